"""Files of cells and the tables in them: formats, words, policy and the British National Grid."""
