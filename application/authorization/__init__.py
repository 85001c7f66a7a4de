"""Role-based access and the row scope of a caller."""
