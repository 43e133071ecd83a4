"""Items that are used together: embeddings, shelves and maps from records of use."""
