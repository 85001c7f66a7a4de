"""Records of other systems, brought in by the same commands that everybody gives."""
