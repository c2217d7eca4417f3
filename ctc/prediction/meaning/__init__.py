"""What becomes of what is said of pictures: captures, the classes there can be, groups."""
