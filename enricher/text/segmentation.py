"""Segment runs of Han characters into words, with one of two implementations of jieba's method.

Both look up words in jieba's dictionary, take the most probable path, and detect unknown words with a hidden
Markov model. `rjieba` is a Rust port, many times faster, and the default. A third segmenter, `lexicon`, knows
only the words of the user's lexicon, with their frequencies, and takes the most probable path.
"""

import hashlib
import threading
import warnings
from collections.abc import Callable, Mapping
from functools import cache
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

from enricher.errors import ConfigurationError
from enricher.text.lexicon import Lexicon, LexiconWord

DEFAULT_SEGMENTER = "rjieba"
LEXICON = "lexicon"
"""The segmenter that knows the words of the user's lexicon only."""
PACKAGES = {LEXICON: "rjieba"}
"""The package of a segmenter, if it has another name."""
NO_LEXICON = Lexicon()


class Segmenter(Protocol):
    """Segments Han characters into words.

    `cut` takes normalized runs of Han characters, separated by single spaces. It returns words that join to
    the same text; each space is an item of its own. `identity` has everything that changes the result: two
    segmenters with equal identities segment equally.
    """

    name: str

    @property
    def identity(self) -> Mapping[str, str]: ...

    def cut(self, text: str) -> list[str]: ...


def open_segmenter(
    name: str = DEFAULT_SEGMENTER, lexicon: Lexicon = NO_LEXICON, *, hmm: bool = True
) -> Segmenter:
    """Open the segmenter with that name, and add the Han words of a lexicon to its dictionary.

    The dictionary is loaded with the first text. hmm: whether to detect unknown words. Raises
    ConfigurationError for an unknown name, and for LEXICON without Han words.
    """
    if name not in _LOADERS:
        raise ConfigurationError(
            f"There is no segmenter {name!r}. The segmenters are {', '.join(sorted(_LOADERS))}."
        )
    if name == LEXICON and not lexicon.han:
        raise ConfigurationError(
            "The segmenter 'lexicon' needs a lexicon with Chinese words: --lexicon FILE."
        )
    return _Jieba(name, lexicon, hmm)


class _Jieba:
    """jieba or rjieba, loaded with the first text. Thread-safe, because nothing changes after loading."""

    def __init__(self, name: str, lexicon: Lexicon, hmm: bool) -> None:
        self.name = name
        self._lexicon = lexicon
        self._hmm = hmm
        self._lock = threading.Lock()
        self._loaded: Callable[[str], list[str]] | None = None

    @property
    def identity(self) -> Mapping[str, str]:
        return {
            "name": self.name,
            "version": metadata.version(PACKAGES.get(self.name, self.name)),
            "dictionary": "" if self.name == LEXICON else _dictionary_hash(self.name),
            "lexicon": self._lexicon.sha256,
        } | ({} if self._hmm else {"hmm": "off"})

    def cut(self, text: str) -> list[str]:
        loaded = self._loaded
        if loaded is None:
            with self._lock:
                loaded = self._loaded = self._loaded or _LOADERS[self.name](self._lexicon.han, self._hmm)
        return loaded(text)

    def __reduce__(self) -> tuple[Callable[..., "_Jieba"], tuple[str, Lexicon, bool]]:
        """Pickle the settings only: the copy loads its own dictionary."""
        return _Jieba, (self.name, self._lexicon, self._hmm)


def _load_rjieba(words: tuple[LexiconWord, ...], hmm: bool) -> Callable[[str], list[str]]:
    import rjieba

    if not words:
        # The import loads an instance; creating another one would double the time.
        return rjieba.cut if hmm else lambda text: rjieba.cut(text, hmm=False)
    tokenizer = rjieba.Jieba()
    for word, frequency in _frequencies(words, tokenizer.suggest_freq):
        tokenizer.add_word(word, frequency, None)
    return tokenizer.cut if hmm else lambda text: tokenizer.cut(text, hmm=False)


def _load_jieba(words: tuple[LexiconWord, ...], hmm: bool) -> Callable[[str], list[str]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of pkg_resources and of escapes in its source
        import jieba
    tokenizer: Any = jieba.Tokenizer()
    # jieba's own initialization logs to stderr and trusts a cache file in the shared temporary folder, which
    # any user can write. Building from the dictionary of the package takes hardly longer.
    with dictionary_file("jieba").open("rb") as dictionary:
        tokenizer.FREQ, tokenizer.total = tokenizer.gen_pfdict(dictionary)
    tokenizer.initialized = True
    for word, frequency in _frequencies(words, lambda word: int(tokenizer.suggest_freq(word))):
        tokenizer.add_word(word, frequency)
    return lambda text: list(tokenizer.cut(text, HMM=hmm))


def _load_lexicon(words: tuple[LexiconWord, ...], hmm: bool) -> Callable[[str], list[str]]:
    import rjieba

    tokenizer: Any = rjieba.Jieba.empty()  # type: ignore[no-untyped-call]
    for word in words:
        if word.frequency:
            tokenizer.add_word(word.text, word.frequency, None)
    rest = tuple(word for word in words if not word.frequency)
    for text, frequency in _frequencies(rest, tokenizer.suggest_freq):
        tokenizer.add_word(text, frequency, None)
    return lambda text: tokenizer.cut(text, hmm=False)


_LOADERS: dict[str, Callable[[tuple[LexiconWord, ...], bool], Callable[[str], list[str]]]] = {
    "jieba": _load_jieba,
    "rjieba": _load_rjieba,
    LEXICON: _load_lexicon,
}


def _frequencies(words: tuple[LexiconWord, ...], suggest: Callable[[str], int]) -> list[tuple[str, int]]:
    """Each word with a frequency that keeps it whole. The result does not depend on the order of the words.

    suggest: returns the minimum frequency at which a word is not split. It is called for all words before the
    first word is added, because each added word changes its results.
    """
    return [(word.text, max(word.frequency, suggest(word.text), _MIN_FREQUENCY)) for word in words]


_MIN_FREQUENCY = 3
"""Minimum frequency of a lexicon word: the frequency of the rarest words in the dictionary."""


def dictionary_file(name: str) -> Path:
    """The file with the dictionary: the text file of jieba, or the compiled library of rjieba."""
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise ConfigurationError(f"The package {name} is not installed.")
    folder = Path(spec.origin).parent
    if name == "jieba":
        return folder / "dict.txt"
    libraries = sorted(path for path in folder.iterdir() if path.suffix in {".so", ".pyd", ".dylib"})
    if not libraries:
        raise ConfigurationError(f"The package {name} in {folder} has no library.")
    return libraries[0]


@cache
def _dictionary_hash(name: str) -> str:
    with dictionary_file(name).open("rb") as dictionary:
        return hashlib.file_digest(dictionary, "sha256").hexdigest()
