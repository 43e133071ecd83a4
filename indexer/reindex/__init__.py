"""Blue/green reindexing that loses no document: see docs/operations.md."""
