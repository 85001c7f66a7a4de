"""Projection progress and the broker of subscriptions."""
