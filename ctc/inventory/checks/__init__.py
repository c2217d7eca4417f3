"""What a person should look at before hours are spent."""
