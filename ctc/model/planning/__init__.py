"""A training that can be done, decided before any work."""
