"""Official files about schools: establishments, the links between them, and inspections."""
