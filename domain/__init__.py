"""Domain model of hospital stays: aggregates, their rules, and time. Imports no other layer."""
