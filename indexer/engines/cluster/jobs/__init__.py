"""What reindex jobs need of Elasticsearch: reads by sequence number, conditional writes, indexes, aliases."""
