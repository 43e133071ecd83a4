"""The engines, the pipeline from documents to an enriched index, and the command line."""
