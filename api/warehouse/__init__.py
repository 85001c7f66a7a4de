"""The feeds of hospitals as an Iceberg table, for questions over all of them."""
