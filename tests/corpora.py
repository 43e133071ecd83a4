"""Small corpora of our own for tests: sentences drawn from topics, reproducible by seed."""

import json
import random
from collections.abc import Iterator
from pathlib import Path

from enricher.records import Document

TOPICS = {
    "数据库": [
        "数据库",
        "事务",
        "索引",
        "查询",
        "存储",
        "日志",
        "备份",
        "锁",
        "优化器",
        "分布式",
        "副本",
        "分区",
    ],
    "电网": [
        "电网",
        "电压",
        "变压器",
        "线路",
        "继电保护",
        "负荷",
        "发电机",
        "调度",
        "频率",
        "绝缘",
        "开关",
        "故障",
    ],
    "法律": ["法院", "诉讼", "原告", "被告", "判决", "合同", "赔偿", "证据", "上诉", "律师", "仲裁", "执行"],
    "ocean": [
        "ocean",
        "wave",
        "current",
        "salinity",
        "tide",
        "plankton",
        "reef",
        "sediment",
        "vessel",
        "harbour",
        "coral",
        "whale",
    ],
    "garden": [
        "garden",
        "soil",
        "seed",
        "tulip",
        "compost",
        "orchard",
        "pruning",
        "mulch",
        "greenhouse",
        "bulb",
        "petal",
        "root",
    ],
}
FRAMES = ("{}、{}与{}，以及{}。", "我们研究{}：{}、{}和{}。", "关于{}，参见{}、{}、{}。")
ENGLISH_FRAMES = (
    "The {} and the {} of a {} near the {}.",
    "Every {} has a {}, a {} and some {}.",
    "We studied {} with {}, {} or {}.",
)


def sentences(topic: str, number: int, generator: random.Random) -> str:
    """So many sentences on a topic."""
    words = TOPICS[topic]
    frames = ENGLISH_FRAMES if topic.isascii() else FRAMES
    joint = " " if topic.isascii() else ""
    return joint.join(generator.choice(frames).format(*generator.sample(words, 4)) for _ in range(number))


def documents(number: int, seed: int = 7) -> Iterator[Document]:
    """Documents with title, text, topic and year, cycling through the topics."""
    generator = random.Random(seed)
    topics = list(TOPICS)
    for index in range(number):
        topic = topics[index % len(topics)]
        source = {
            "id": f"d{index}",
            "title": f"{topic} {generator.choice(TOPICS[topic])}",
            "text": sentences(topic, generator.randint(2, 6), generator),
            "topic": topic,
            "year": 2000 + index % 7,
        }
        yield Document(f"d{index}", source)


def write_jsonl(path: Path, number: int, seed: int = 7) -> Path:
    """The same documents as a file of JSON lines."""
    lines = (json.dumps(dict(document.source), ensure_ascii=False) for document in documents(number, seed))
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return path
