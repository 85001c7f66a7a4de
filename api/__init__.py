"""Driving adapters: GraphQL, HTTP, the command line, importers and the simulator."""
