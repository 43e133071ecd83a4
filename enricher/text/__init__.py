"""Text analysis: normalize text, segment Chinese, split other scripts into words, highlight matches."""

from enricher.text.analysis import Analyzer, is_content, is_lexical, open_analyzer, stem
from enricher.text.highlight import Fragment, find_fragments, highlight
from enricher.text.lexicon import Lexicon, LexiconWord
from enricher.text.lexicon_file import lexicon_text, read_lexicon
from enricher.text.normalize import normalize, normalize_with_offsets
from enricher.text.scripts import is_han, language_of
from enricher.text.segmentation import DEFAULT_SEGMENTER, NO_LEXICON, Segmenter, open_segmenter
from enricher.text.stopwords import STOP_WORDS

__all__ = [
    "DEFAULT_SEGMENTER",
    "NO_LEXICON",
    "STOP_WORDS",
    "Analyzer",
    "Fragment",
    "Lexicon",
    "LexiconWord",
    "Segmenter",
    "find_fragments",
    "highlight",
    "is_content",
    "is_han",
    "is_lexical",
    "language_of",
    "lexicon_text",
    "normalize",
    "normalize_with_offsets",
    "open_analyzer",
    "open_segmenter",
    "read_lexicon",
    "stem",
]
