"""Course of a stay or of a person as a document: HTML for print, JSON and CSV."""
