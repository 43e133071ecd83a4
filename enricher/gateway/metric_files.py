"""The folder in which several processes of the service keep their metrics, so that one can show all.

prometheus_client looks for it when it is imported. So it must be there before `enricher.gateway.metrics` is.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

FOLDER = "PROMETHEUS_MULTIPROC_DIR"


@contextmanager
def shared_metrics() -> Iterator[None]:
    """Processes that are started in this block keep their metrics together."""
    with tempfile.TemporaryDirectory(prefix="enricher-metrics-") as folder:
        os.environ[FOLDER] = folder
        try:
            yield
        finally:
            del os.environ[FOLDER]


def are_shared() -> bool:
    """Whether this process keeps its metrics together with others."""
    return FOLDER in os.environ


def forget(process: int) -> None:
    """Leave the present state of a process that has ended out; its counts stay."""
    from prometheus_client.multiprocess import mark_process_dead

    mark_process_dead(process)  # type: ignore[no-untyped-call]
