"""The feed, published to a broker."""
