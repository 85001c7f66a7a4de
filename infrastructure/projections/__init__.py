"""The projection runner, rebuilds and dead letters."""
