"""The orientation model's corpus: pages from packages, as ``configs/orientation_corpus.yaml`` lists."""
