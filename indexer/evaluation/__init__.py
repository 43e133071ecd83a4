"""Measuring a recipe: every system asks scratch indexes every query, and they are dropped again."""

from indexer.evaluation.run import Evaluation, evaluate

__all__ = ["Evaluation", "evaluate"]
