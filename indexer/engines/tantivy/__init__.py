"""The embedded engine: Tantivy, one folder an index, no server."""
