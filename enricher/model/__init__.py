"""Queries on a word2vec model: probabilities, relatedness, neighbors, senses, phrases and text vectors."""
