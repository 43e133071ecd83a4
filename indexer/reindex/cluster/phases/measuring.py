"""The phase that compares the search results of both indexes."""

from enricher.errors import EngineError
from indexer.reindex.cluster.context import WorkerContext
from indexer.reindex.failpoints import reached
from indexer.reindex.gate import GateClosed, is_closed
from indexer.reindex.job import Job, Phase


def measure(context: WorkerContext, job: Job, fence: int) -> None:
    """Run the phase GATING. Raises GateClosed if the new index finds too much less than the old one."""
    if context.gate is None:
        raise EngineError(
            f"The job {job.id!r} waits for its gate: resume it on the machine that holds the collection."
        )
    gates = context.gate(job)
    reached("measured")

    def measured(job: Job) -> None:
        job.gates = gates

    if is_closed(gates):
        context.enter(fence, Phase.GATING, measured)
        raise GateClosed(job.id, gates)
    context.enter(fence, Phase.CATCHING_UP, measured)
