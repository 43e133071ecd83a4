"""What of a text can hold keywords."""

import pytest

import enricher
from enricher.keywords import remove_noise
from enricher.records import Document

BASE64 = "dGVhIGlzIGdvb2Qg+/pU3KGCUwux1tEyze1iN7LtkeP3IfyxlxF0SU1kk8nVw0YL4xIB5p/tqg7ui5mX9cfCmZq=="


@pytest.mark.parametrize(
    "noise",
    [
        "https://example.com/green/tea?id=3&x=y",
        "ftp://example.com/a",
        "www.example.com/tea",
        "joe.smith+news@mail.example.com",
        "{joe.smith, ann}@mail.example.com",
        "/etc/nginx/nginx.conf",
        "./src/main.py",
        "~/notes/tea",
        "src/main/java/App.java",
        "C:\\Program Files\\Tea\\run.exe",
        "\\\\server\\share\\tea.txt",
        BASE64,
        f"{BASE64[:64]}\n{BASE64[:64]}\nAAuTANBgk==",
        "data:image/png;base64,iVBORw0KGgo",
        "da39a3ee5e6b4b0d3255bfef95601890afd80709",
        "550e8400-e29b-41d4-a716-446655440000",
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9",
        "k8sJx92Lm0QpZz81aB",
        "%E4%BD%A0%E5%A5%BD",
        "\\xe4\\xbd\\xa0",
        "=E4=BD=A0=E5=A5=BD",
        '<a href="http://x.y" class="big">',
        "<!-- comment -->",
    ],
)
@pytest.mark.parametrize("around", ["coral reef {} harbour tide", "数据库 {} 的索引"])
def test_noise_is_removed_and_the_words_beside_it_stay(noise: str, around: str) -> None:
    """In English and Chinese."""
    assert remove_noise(around.format(noise)).split() == around.format("").split()


@pytest.mark.parametrize(
    "text",
    [
        "and/or TCP/IP red/green/blue km/h yes/no either/or/not 1/2/3",
        "AbstractSingletonProxyFactoryBean some_very_long_snake_case_function_name",
        "state-of-the-art-object-detection dimethylaminoethylmethacrylate covid19vaccine2021study",
        "Windows10Professional64bit internationalization 100 % = a @ b a: b 12:30 x==y",
        "List<T> a < b **bold** `code` # title",
        "数据库的索引让查询更快，神经网络从数据中学习。",
    ],
)
def test_long_words_and_code_are_not_noise(text: str) -> None:
    """Long ones, those with slashes and signs, and code."""
    assert remove_noise(text) == text


@pytest.mark.parametrize("method", ["phrases", "published"])
def test_noise_is_never_a_keyword(model: enricher.Model, method: str) -> None:
    """With both methods, for texts and for documents."""
    text = (
        f'<div class="post"><p>数据库的<b>索引</b>让查询更快&nbsp;&nbsp;</p><br/><a href="http://a.b/tea?id=3">事务</a></div>'
        f"数据库与日志 {BASE64} 备份 joe@mail.example.com 数据库"
    )
    found = [keyword.text for keyword in model.keywords(text, 20, method)]
    assert "数据库" in found
    document = model.analyzer.analyze(Document("1", {"text": text}), ("text",))
    assert [k.text for k in model.document_keywords([document], 20, method)[0]] == found
    for noise in ("nbsp", "div", "class", "post", "href", "http", "tea", "mail", "example", "joe", "com"):
        assert not any(noise in keyword for keyword in found)
    assert max(map(len, found)) < 16


def test_no_phrase_crosses_a_block_tag(model: enricher.Model) -> None:
    """`<br>` and paragraphs separate words, `&nbsp;` and `<b>` do not."""
    parted = [k.text for k in model.keywords("coral<br>reef coral<p>reef", 9)]
    joined = [k.text for k in model.keywords("<b>coral</b>&nbsp;reef. coral&nbsp;<i>reef</i>.", 9)]
    assert "coral reef" not in parted and "coral reef" in joined
