"""A training that was cut off goes on: its state, when it is kept, how it is put back."""
