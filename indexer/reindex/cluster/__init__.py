"""Jobs on an Elasticsearch cluster, where clients go on writing while documents are copied."""
