"""train and models: what is printed, what is active, what an interruption leaves."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from gensim.models import Word2Vec as GensimWord2Vec

from enricher.bundle.store import BundleStore
from tests.conftest import ROOT, RunCommand
from tests.corpora import write_jsonl

FAST = ("--dimensions", "12", "--epochs", "2", "--workers", "1", "--min-count", "2")


def test_a_model_is_trained_listed_activated_rolled_back_and_pruned(run: RunCommand, tmp_path: Path) -> None:
    """The life of bundles by the command line alone."""
    docs = write_jsonl(tmp_path / "docs.jsonl", 80)
    first = json.loads(run("train", docs, *FAST, "--json").stdout)["version"]
    second = run("train", docs, *FAST, "--loss", "negative-sampling").stdout.strip()
    third = json.loads(run("train", docs, *FAST, "--no-activate", "--json").stdout)["version"]
    listed = [json.loads(line) for line in run("models", "list", "--json").stdout.splitlines()]
    assert [(item["version"], item["active"]) for item in listed] == [
        (first, False),
        (second, True),
        (third, False),
    ]
    assert (tmp_path / "models" / "active").read_text().strip() == second
    assert "negative-sampling" in run("models", "show").stdout
    manifest = tmp_path / "models" / first / "manifest.json"
    shown = json.loads(manifest.read_bytes()) | {"of a newer version": {"unknown": [1]}}
    manifest.write_text(json.dumps(shown), encoding="utf-8")
    assert list(json.loads(run("models", "show", first, "--json").stdout).items()) == list(shown.items())
    assert "of a newer version: unknown" in run("models", "show", first).stdout
    assert run("models", "verify").returncode == 0
    refused = run("models", "rollback")
    assert refused.stdout.strip() == first
    assert run("models", "activate", third).stdout.strip() == third
    assert run("models", "rollback").stdout.strip() == first
    assert run("models", "prune").stdout == ""
    assert run("models", "activate", third).returncode == 0
    assert run("models", "prune").stdout.split() == [second]
    assert run("models", "rollback").stdout.strip() == first
    assert run("models", "rollback").returncode == 1
    assert run("models", "activate", "").returncode == 1


def test_words_are_learned_from_backgrounds_too(run: RunCommand, tmp_path: Path) -> None:
    """The length of texts is that of the documents alone; what is not there is refused."""
    docs = write_jsonl(tmp_path / "docs.jsonl", 60)
    other = tmp_path / "other.jsonl"
    lines = [json.dumps({"id": f"o{n}", "text": "彗星 轨道 " * 200}) for n in range(5)]
    other.write_text("\n".join(lines), encoding="utf-8")
    models = BundleStore(tmp_path / "models")
    alone = models.open(run("train", docs, *FAST, "--no-tuning").stdout.strip())
    both = models.open(run("train", docs, *FAST, "--no-tuning", "--background", str(other)).stdout.strip())
    assert "彗星" in both.word2vec.words and "彗星" not in alone.word2vec.words
    assert both.manifest.corpus.mean_words == alone.manifest.corpus.mean_words > 0
    named = run("train", docs, *FAST, "--no-tuning", "--title-field", "headline")
    assert named.returncode == 2 and "has the field 'headline'" in named.stderr
    (tmp_path / "none.jsonl").write_text("no document\n")
    none = run("train", str(tmp_path / "none.jsonl"), *FAST, "--background", str(other))
    assert none.returncode == 1 and "no document to learn from" in none.stderr and "Trace" not in none.stderr
    absent = run("train", docs, *FAST, "--background", str(tmp_path / "absent.jsonl"))
    assert absent.returncode == 1 and "absent.jsonl" in absent.stderr and "Traceback" not in absent.stderr


def test_prune_keeps_the_model_of_an_index(run: RunCommand, tmp_path: Path) -> None:
    """Without it no query for that index can be cut."""
    docs = write_jsonl(tmp_path / "docs.jsonl", 60)
    first = run("train", docs, *FAST).stdout.strip()
    assert run("index", docs, "--to", "docs").returncode == 0
    second, third = (run("train", docs, *FAST).stdout.strip() for _ in range(2))
    fourth = run("train", docs, *FAST).stdout.strip()
    assert run("models", "prune").stdout.split() == [second]
    assert set(BundleStore(tmp_path / "models").versions()) == {first, third, fourth}


def test_a_damaged_model_is_listed_with_its_fault(run: RunCommand, tmp_path: Path) -> None:
    """The list still shows the others; verify and activate refuse it."""
    docs = write_jsonl(tmp_path / "docs.jsonl", 60)
    good, bad = (run("train", docs, *FAST).stdout.strip() for _ in range(2))
    assert run("models", "activate", good).returncode == 0
    (tmp_path / "models" / bad / "vectors.npy").unlink()
    listed = [json.loads(line) for line in run("models", "list", "--json").stdout.splitlines()]
    assert [item["fault"] is None for item in listed] == [True, False]
    assert "vectors.npy" in run("models", "list").stdout
    for arguments in (("verify", bad), ("activate", bad), ("show", bad)):
        done = run("models", *arguments)
        assert done.returncode == 1 and "vectors.npy" in done.stderr


def test_a_model_that_learned_from_a_sample_says_so(run: RunCommand, tmp_path: Path) -> None:
    """The text on stderr, the numbers in JSON and in the manifest; a sample of everything is no news."""
    docs = write_jsonl(tmp_path / "docs.jsonl", 80)
    done = run("train", docs, *FAST, "--max-tokens", "700", "--json")
    found = json.loads(done.stdout)
    assert done.returncode == 0 and 600 < found["learned_tokens"] <= 700 < found["tokens"]
    assert f"{found['learned_tokens']} of {found['tokens']:,} words" in done.stderr
    shown = [line.split() for line in run("models", "show").stdout.splitlines()]
    assert ["training:", "learned_tokens", str(found["learned_tokens"])] in shown
    everything = run("train", docs, *FAST, "--max-tokens", "0", "--json")
    found = json.loads(everything.stdout)
    assert found["learned_tokens"] == found["tokens"] and "sample" not in everything.stderr
    refused = run("train", docs, *FAST, "--max-tokens", "-1")
    assert refused.returncode == 2 and "--max-tokens must be 0 (all words) or more, not -1" in refused.stderr
    too_few = run("train", docs, *FAST, "--max-tokens", "10", "--min-count", "20")
    assert too_few.returncode == 1 and "larger --max-tokens" in too_few.stderr and not too_few.stdout


def test_lines_that_cannot_be_used_are_named_and_the_model_is_made(run: RunCommand, tmp_path: Path) -> None:
    """Something was lost: exit code 1, with the version on stdout."""
    docs = write_jsonl(tmp_path / "docs.jsonl", 80)
    with docs.open("ab") as file:
        file.write(b'{"id": "x", "text": \n\xff\xfe\n')
    done = run("train", docs, *FAST, "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["version"] in os.listdir(tmp_path / "models")
    assert "docs.jsonl:81" in done.stderr and "docs.jsonl:82" in done.stderr and "2 inputs" in done.stderr


def test_a_lexicon_changes_how_text_is_cut(run: RunCommand, tmp_path: Path) -> None:
    """Its words are words of the model, and of every later query."""
    docs = write_jsonl(tmp_path / "docs.jsonl", 60)
    with docs.open("a", encoding="utf-8") as file:
        file.write('{"id": "x", "text": "超导量子干涉仪与5G网络。"}\n' * 5)
    (tmp_path / "words.txt").write_text("超导量子干涉仪\n5G网络 100 n\n", encoding="utf-8")
    assert run("train", docs, *FAST, "--lexicon", "words.txt").returncode == 0
    (tmp_path / "words.txt").unlink()
    for word in ("超导量子干涉仪", "5g网络", "5G网络"):
        assert run("related", word).returncode == 0, word
    terms = json.loads(run("expand", "超导量子干涉仪原理", "--json").stdout)["terms"]
    assert terms[0]["term"] == "超导量子干涉仪"


def test_an_imported_model_answers_and_says_what_it_lacks(run: RunCommand, tmp_path: Path) -> None:
    """Words verbatim, and a sentence on document frequencies."""
    sentences = [["Alpha", "数据库", "索引"], ["索引", "Alpha", "beta"]] * 40
    model = GensimWord2Vec(sentences, vector_size=8, min_count=1, sg=1, hs=1, negative=0, workers=1)
    model.save(str(tmp_path / "w2v.model"))
    done = run("models", "import", "w2v.model", "--json")
    assert done.returncode == 0 and "document frequencies" in done.stderr
    version = json.loads(done.stdout)["version"]
    assert (tmp_path / "models" / "active").read_text().strip() == version
    assert {item["word"] for item in json.loads(run("related", "Alpha", "--json").stdout)["related"]} == {
        "数据库",
        "索引",
        "beta",
    }


@pytest.mark.parametrize("word", ["segmenting", "training"])
def test_ctrl_c_during_training_leaves_nothing_half_made(tmp_path: Path, word: str) -> None:
    """Exit code 130, no new version, the old one still active."""
    docs = write_jsonl(tmp_path / "docs.jsonl", 20_000)
    models = tmp_path / "models"
    running = subprocess.Popen(
        [sys.executable, "-m", "indexer", "--models", models, "train", docs, "--epochs", "400"],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert running.stderr is not None
    for line in running.stderr:
        if line.startswith(word):
            break
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=60)
    assert running.returncode == 130, err
    assert out == "" and "Traceback" not in err
    assert BundleStore(models).versions() == []
    assert [path.name for path in models.iterdir()] == []


def test_a_killed_training_leaves_no_version(tmp_path: Path) -> None:
    """kill -9 in the middle: nothing is active, and the next training works."""
    docs = write_jsonl(tmp_path / "docs.jsonl", 20_000)
    models = tmp_path / "models"
    command = [sys.executable, "-m", "indexer", "--models", str(models), "train", str(docs)]
    running = subprocess.Popen([*command, "--epochs", "400"], cwd=ROOT, stderr=subprocess.PIPE, text=True)
    assert running.stderr is not None
    for line in running.stderr:
        if line.startswith("training"):
            break
    running.kill()
    running.wait(timeout=60)
    running.stderr.close()
    assert BundleStore(models).versions() == [] and BundleStore(models).active_version() is None
    small = write_jsonl(tmp_path / "small.jsonl", 50)
    subprocess.run([*command[:-1], str(small), *FAST], cwd=ROOT, check=True, capture_output=True)
    assert len(BundleStore(models).versions()) == 1
    BundleStore(models).prune()
    assert sorted(path.name for path in models.iterdir() if path.is_dir()) == BundleStore(models).versions()


def test_activate_says_which_indexes_are_of_another_model(run: RunCommand, tmp_path: Path) -> None:
    """They go on as they are; prune keeps their model, and says so."""
    docs = write_jsonl(tmp_path / "docs.jsonl", 80)
    first = run("train", docs, *FAST).stdout.strip()
    assert run("index", docs, "--to", "articles").returncode == 0
    second = run("train", docs, *FAST, "--dimensions", "14", "--no-activate").stdout.strip()
    third = run("train", docs, *FAST, "--dimensions", "16", "--no-activate").stdout.strip()
    done = run("models", "activate", second)
    assert (
        done.stdout.strip() == second
        and f"articles (80 documents) is enriched with the model {first}" in done.stderr
    )
    assert "reindex start articles" in done.stderr
    run("models", "activate", third)
    pruned = run("models", "prune")
    assert pruned.stdout == "" and f"{first} was kept: the index articles uses it" in pruned.stderr
    refused = run("models", "activate", third, "--reindex")
    assert refused.returncode == 2 and "make a new index" in refused.stderr
    unreachable = run("--engine", "http://127.0.0.1:1", "models", "activate", second)
    assert unreachable.returncode == 0 and "could not be listed" in unreachable.stderr
