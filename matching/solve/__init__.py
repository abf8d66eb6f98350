"""The solver: arrays of needs, supporters and pairs in, the best assignment and its proof out."""
