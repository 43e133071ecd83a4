"""Enrichment of what applications write to an index, soon after they have written it."""
