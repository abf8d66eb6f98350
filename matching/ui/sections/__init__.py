"""Parts of one screen, or of several."""
