"""Timeline read model: table and projection, and its queries."""
