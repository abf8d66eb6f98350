"""The browser app: one file a screen, and the small rooms that they share."""
