"""Schema extensions around each operation."""
