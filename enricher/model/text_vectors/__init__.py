"""Text vectors: vectors of queries and documents, tuned on the training documents."""
