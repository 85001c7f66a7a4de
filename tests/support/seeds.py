"""The seed of what tests draw."""

import os

SEED = int(os.environ.get("WARDBOOK_SEED", "0"))
"""From the environment, each night another one; 0 draws the same examples in every run."""
