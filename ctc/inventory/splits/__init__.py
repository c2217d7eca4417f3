"""Which captures take part, and in which split."""
