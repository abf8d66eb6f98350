"""The colours and the typeface of every picture."""

BLUE, RED, BLACK, GREY = "#1d70b8", "#d4351c", "#0b0c0c", "#505a5f"
GREEN, PURPLE, FAINT, PALE = "#00703c", "#912b88", "#8e9193", "#a3a8ab"
FONT = "Arial, Helvetica, sans-serif"
