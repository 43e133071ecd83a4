"""From documents to a bundle, stage by stage."""
