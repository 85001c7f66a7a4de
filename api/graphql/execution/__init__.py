"""Execution of operations: response cache and fast executor."""
