"""Evaluate search on judged queries: collections, metrics, baselines, the report and its gate.

This package builds the queries and scores the rankings. The rankings come from a search engine.
"""
