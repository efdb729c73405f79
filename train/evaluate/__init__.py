"""Evaluation: unwarping on public benchmarks or one's own pages, orientation, and the comparison of two runs."""
