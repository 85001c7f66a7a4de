"""Application layer: command groups, the command pipeline, authorization and reports."""
