"""Commands, grouped by the subject that they are about."""
