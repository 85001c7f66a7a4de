"""Integrity checks of the log, the claims and the read models."""
