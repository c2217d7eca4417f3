"""A classifier that answers requests, and holds what was logged against itself."""
