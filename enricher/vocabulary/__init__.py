"""Domain vocabulary: mine words from documents, review them, and add them to a model and its indexes."""
