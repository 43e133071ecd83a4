"""A model on disk: one folder that is never changed, and the folder of all of them."""
