"""Routes of documents: into a new index, back into the old one, and in place."""
