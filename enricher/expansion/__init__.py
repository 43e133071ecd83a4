"""Expansion of a query: more words than the user typed, each with its reason."""

from enricher.expansion.query import parse_operators, parse_query
from enricher.expansion.relatedness import RelatednessExpansion, candidates, expand_by_relatedness

__all__ = ["RelatednessExpansion", "candidates", "expand_by_relatedness", "parse_operators", "parse_query"]
