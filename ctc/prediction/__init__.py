"""From a classifier and pictures to predictions: one row a capture and label, none lost."""
