"""Read snapshot, single flight and response cache: optional, around the read path."""
