"""Evidence that the record is unaltered: Merkle trees over it, and signed checkpoints of them."""
