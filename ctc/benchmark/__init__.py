"""How fast the line is, beside the plainest way to do the same work."""
