"""Excel workbooks, read from their XML: the text of every cell as Excel shows it, and what a sheet has beyond text."""
