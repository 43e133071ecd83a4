"""Blue/green reindexing that loses nothing: see docs/operations.md."""
