"""Train a bundle from documents, stage by stage."""
