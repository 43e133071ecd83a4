"""Shelves: items that are used together stand together, and popular ones near the entrance."""
