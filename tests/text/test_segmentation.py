"""Two segmenters, one contract."""

import os
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enricher.errors import ConfigurationError
from enricher.text import Lexicon, Segmenter, open_segmenter
from tests.text.strategies import PROPERTY

NAMES = ["jieba", "rjieba"]
WORDS = ["区块链技", "能碳管", "在北京", "云计算机学", "光储充", "智能体编排", "大模型", "的是了", "量子"]
CHARACTERS = "我们在北京大学学习云计算机的是了不起量子纠缠网络安全二〇々𠀀㐀"
HAN = st.text(st.sampled_from(CHARACTERS), min_size=1, max_size=12)
OPEN = {name: open_segmenter(name) for name in NAMES}


@pytest.fixture(scope="module", params=NAMES)
def taught(request: pytest.FixtureRequest) -> Segmenter:
    """Each segmenter with a lexicon."""
    return open_segmenter(request.param, Lexicon.of(WORDS))


@pytest.fixture(scope="module", params=NAMES)
def plain(request: pytest.FixtureRequest) -> Segmenter:
    """Each segmenter without a lexicon."""
    return open_segmenter(request.param)


@pytest.mark.parametrize("word", WORDS)
def test_lexicon_words_are_kept_whole(taught: Segmenter, word: str) -> None:
    """A word of the lexicon is one word, alone and in a sentence."""
    assert taught.cut(word) == [word]
    assert word in taught.cut(f"他们认为{word}很重要")


@PROPERTY
@given(st.lists(HAN, min_size=1, max_size=5))
def test_runs_do_not_touch_each_other(runs: list[str]) -> None:
    """Runs cut together are cut as each by itself, and the pieces join to the text."""
    for name in NAMES:
        segmenter = OPEN[name]
        apart = [word for run in runs for word in segmenter.cut(run)]
        together = segmenter.cut(" ".join(runs))
        assert "".join(together) == " ".join(runs)
        assert [word for word in together if word != " "] == apart


def test_identity_names_dictionary_and_lexicon(plain: Segmenter) -> None:
    """The identity holds hashes, is the same twice, and another lexicon makes another."""
    identity = plain.identity
    assert set(identity) == {"name", "version", "dictionary", "lexicon"}
    assert len(identity["dictionary"]) == 64
    assert identity["lexicon"] == ""
    assert open_segmenter(plain.name).identity == identity
    assert open_segmenter(plain.name, Lexicon.of(["大模型"])).identity != identity
    assert open_segmenter(plain.name, hmm=False).identity != identity


def test_order_of_the_lexicon_is_no_matter() -> None:
    """The same words in another order are the same lexicon and cut alike."""
    one, other = Lexicon.of(WORDS), Lexicon.of(WORDS[::-1])
    assert one.sha256 == other.sha256
    text = "他在北京大学研究云计算机学会的量子大模型"
    for name in NAMES:
        assert open_segmenter(name, one).cut(text) == open_segmenter(name, other).cut(text)


def test_unknown_name_is_refused() -> None:
    """The sentence names what there is."""
    with pytest.raises(ConfigurationError, match="jieba, lexicon, rjieba"):
        open_segmenter("ictclas")


def test_travels_to_another_process(taught: Segmenter) -> None:
    """A pickled segmenter cuts as before."""
    assert pickle.loads(pickle.dumps(taught)).cut("光储充项目") == taught.cut("光储充项目")


def test_may_be_shared_by_threads() -> None:
    """Threads that open one segmenter together get the same answer."""
    for name in NAMES:
        segmenter = open_segmenter(name)
        with ThreadPoolExecutor(4) as pool:
            assert len({tuple(cut) for cut in pool.map(segmenter.cut, ["我们在北京大学学习"] * 16)}) == 1


@pytest.mark.parametrize("name", NAMES)
def test_is_quiet_and_reads_no_foreign_cache(name: str, tmp_path: Path) -> None:
    """Nothing goes to stderr, no cache is read from the temporary folder, and none is written."""
    (tmp_path / "jieba.cache").write_bytes(b"not a dictionary")
    script = f"from enricher.text import open_segmenter; print(*open_segmenter({name!r}).cut('我们学习'))"
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    result = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, check=True)
    assert result.stdout.decode().split() == ["我们", "学习"]
    assert result.stderr == b""
    assert [path.name for path in tmp_path.iterdir()] == ["jieba.cache"]
    assert (tmp_path / "jieba.cache").read_bytes() == b"not a dictionary"


def test_import_loads_no_dictionary() -> None:
    """Importing the room, opening an analyzer and asking who it is load no segmenter."""
    script = (
        "import sys; from enricher.text import open_analyzer; open_analyzer('jieba').describe();"
        "open_analyzer('rjieba').describe(); sys.exit('jieba' in sys.modules or 'rjieba' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
