"""Jobs of the embedded engine, where nobody else writes to the source index."""
