"""The application layer: one method per command, reports as definitions, the simulator."""
