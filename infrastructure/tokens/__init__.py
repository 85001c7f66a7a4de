"""Tokens that are taken no more: revoked, or not used for too long."""
