"""The hospital stay: aggregates, their rules, and time. Knows nothing above it."""
