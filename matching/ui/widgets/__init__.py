"""Charts, maps and controls that the screens share."""
