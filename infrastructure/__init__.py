"""The infrastructure: event store, projections, queries, importers, settings and wiring."""
