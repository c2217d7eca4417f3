"""What all answers come to, for those who look at a run."""
