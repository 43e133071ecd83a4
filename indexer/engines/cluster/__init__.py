"""The engine of a cluster of search servers: what its families share, above their client libraries."""
