"""The feed of events for other systems."""
