"""How uploaded files are read: their sheets, headers and columns, and the cells that have a problem."""
