"""Driven adapters: event store, projections, read models, queries, reports and PostgreSQL."""
