"""Word2vec models: training, the Huffman tree, relatedness, neighbours, and bundles on disk."""
