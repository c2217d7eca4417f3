"""From predictions with known answers to figures: how good, against what, and where it errs."""
