"""Measure search quality: run every query on every system, on temporary indexes."""

from indexer.evaluation.run import Evaluation, evaluate

__all__ = ["Evaluation", "evaluate"]
