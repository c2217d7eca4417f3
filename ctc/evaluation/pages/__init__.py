"""Pages for people: each one file with all it shows inside, which asks for nothing outside."""
