"""Report data from the read models, issued reports and their exposure."""
