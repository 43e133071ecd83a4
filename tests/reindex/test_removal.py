"""Indexes that jobs have replaced and that nobody uses any more."""

from indexer.reindex.job import Job, Phase
from indexer.reindex.removal import replaced


def done(alias: str, source: str, target: str) -> Job:
    """A job that has put a new index in the place of an old one."""
    job = Job(target, source, alias, target, None, ("text",), "2026-01-01T00:00:00+00:00")
    job.phase = Phase.DONE
    return job


def test_an_index_that_an_alias_points_to_is_in_use() -> None:
    """It is in use even if the alias points to several indexes."""
    job = done("live", "old", "new")
    assert replaced([job], {"live": ("new",)}) == {"old": job}
    assert replaced([job], {"live": ("new", "old")}) == {}
    assert replaced([job], {"live": ("new",), "all": ("archive", "old")}) == {}
    assert replaced([job], {"all": ("new",)}) == {}
