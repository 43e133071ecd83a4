"""The exceptions of this project, one tree.

Each class knows the exit code of the command line and the HTTP status that stand for it, so
that an edge of the program turns any of them into one sentence.

    EnricherError                 1   500   something failed or was lost
    ├── UsageError                2   400   the call itself is wrong
    │   ├── ConfigurationError    2   400   a setting or the configuration file is wrong
    │   ├── JobNotFound           2   404   no such job, or not in that state
    │   ├── ReviewNotFound        2   404   no such file to review, or no such word in it
    │   └── MapNotFound           2   404   no such map
    ├── DecisionConflict          1   409   somebody else has decided about the word
    ├── SourceError               1   400   documents that cannot be read
    ├── ModelError                1   500
    │   ├── ModelNotFound         1   404   no such bundle, or none is active
    │   ├── BundleInvalid         1   500   damaged, incomplete, or of another format
    │   ├── TrainingFailed        1   400   the text does not yield a model
    │   ├── UnknownWord           1   404   the vocabulary lacks the word
    │   └── NotSupported          1   400   this kind of model cannot answer
    ├── PluginError               1   500   a plug-in cannot be loaded, or fails
    ├── WorkerLost                1   500   a worker process was killed
    └── EngineError               1   502   the search engine refused or failed
        ├── EngineUnavailable     1   503   unreachable, red, or out of disk
        ├── AccessDenied          1   403   wrong password or missing privilege
        ├── IndexBlocked          1   502   refuses requests until somebody lifts a block
        ├── IndexNotFound         1   404
        └── IndexConflict         1   409   the index exists, or belongs to another model
            └── IndexChanged      1   409   the index was enriched differently in the meantime
"""

from collections.abc import Sequence


class EnricherError(Exception):
    """The root: a sentence for the user."""

    exit_code = 1
    status = 500


class UsageError(EnricherError):
    """The call itself is wrong."""

    exit_code = 2
    status = 400


class ConfigurationError(UsageError):
    """A setting or the configuration file is wrong."""


class JobNotFound(UsageError):
    """No such job, or not in that state."""

    status = 404


class ReviewNotFound(UsageError):
    """No such file to review, or no such word in it."""

    status = 404


class MapNotFound(UsageError):
    """No such map, or it cannot be read."""

    status = 404


class DecisionConflict(EnricherError):
    """Somebody else has decided about a word in the meantime."""

    status = 409


class SourceError(EnricherError):
    """Documents that cannot be read."""

    status = 400


class ModelError(EnricherError):
    """A model cannot be found, trusted, trained or asked."""


class ModelNotFound(ModelError):
    """No such bundle, or none is active."""

    status = 404


class BundleInvalid(ModelError):
    """A bundle that is damaged, incomplete, or of another format."""


class TrainingFailed(ModelError):
    """The text does not yield a model."""

    status = 400


class _UnknownName(ModelError):
    """A name that is not there; `suggestions` holds the closest ones that are.

    unknown: the beginning of the sentence. closest: what the suggestions are called. absent: why it may be
    missing, if there are none.
    """

    status = 404
    unknown: str
    closest: str
    absent: str

    def __init__(self, name: str, suggestions: Sequence[str] = ()) -> None:
        self.name, self.suggestions = name, tuple(suggestions)
        more = f"{self.closest}: {', '.join(self.suggestions)}." if self.suggestions else self.absent
        super().__init__(f"{self.unknown} {name!r}. {more}")

    def __reduce__(self) -> tuple[type["_UnknownName"], tuple[str, tuple[str, ...]]]:
        """A copy in another process is made of the name, not of the sentence."""
        return type(self), (self.name, self.suggestions)


class UnknownWord(_UnknownName):
    """The vocabulary lacks a word."""

    unknown, closest = "The model does not know the word", "Closest words"
    absent = "It is not in the training text, or not often enough."


class UnknownItem(_UnknownName):
    """The library lacks an item."""

    unknown, closest = "The library does not know the item", "Closest names"
    absent = "No record has it, or it is not used often enough."


class NotSupported(ModelError):
    """A kind of model that cannot answer the question."""

    status = 400


class PluginError(EnricherError):
    """A plug-in cannot be loaded, or fails at its work."""


class WorkerLost(EnricherError):
    """A worker process was killed, or ended by itself, before its work was done."""


class EngineError(EnricherError):
    """The search engine refused or failed."""

    status = 502


class EngineUnavailable(EngineError):
    """The engine is unreachable, red, or out of disk."""

    status = 503


class AccessDenied(EngineError):
    """Wrong password or missing privilege."""

    status = 403


class IndexBlocked(EngineError):
    """An index or the cluster refuses requests until somebody lifts a block."""


class IndexNotFound(EngineError):
    """No index or alias of that name."""

    status = 404


class IndexConflict(EngineError):
    """The index exists already, or belongs to another model."""

    status = 409


class IndexChanged(IndexConflict):
    """The layout of an index is not the one for which a query was made: the query must be made again."""
