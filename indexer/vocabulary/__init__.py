"""The vocabulary of a domain: mined from sources, and applied to models and indexes."""
