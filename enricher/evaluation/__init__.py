"""Measuring search on judged queries: collections, metrics, plain baselines, the report and its gate.

Rankings come from a search engine; this room only makes the queries and judges the answers.
"""
