"""What reindex jobs need of a cluster: reads by sequence number, conditional writes, indexes, aliases."""
