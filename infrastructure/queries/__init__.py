"""Questions: each one function, one or a few indexed SELECTs, answered as frozen dataclasses."""
