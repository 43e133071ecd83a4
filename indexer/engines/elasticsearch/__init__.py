"""Elasticsearch, through its own client."""
