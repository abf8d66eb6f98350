"""Made-up supporters and needs at given schools."""
