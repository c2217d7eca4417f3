"""From pictures and a table to an inventory: what was photographed, where, and what it shows."""
