"""Sealing: what identifies a person is kept as ciphertext, under keys that can be destroyed."""
