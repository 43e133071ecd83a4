"""How words are used in the training text: which phrases they form, and in what company they stand."""

from enricher.model.usage.tables import Usage

__all__ = ["Usage"]
