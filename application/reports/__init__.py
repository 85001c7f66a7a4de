"""Reports: named, versioned definitions over the one history, and the service that computes them."""
