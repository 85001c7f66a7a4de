"""Rooms and beds."""
