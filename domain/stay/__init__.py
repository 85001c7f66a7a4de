"""Stays."""
