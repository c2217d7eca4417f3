"""What stands on both sides of a split."""
