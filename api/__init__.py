"""The ways in: GraphQL, the command line, the web page and health checks."""
