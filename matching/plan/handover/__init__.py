"""What is handed over of a plan: documents, letters and tables, with the remarks of decisions or without."""
