"""How rounds are kept in a database: its tables, its dialect, its rows and its migrations."""
