"""The captures that are to be labelled, and what is known of where they come from."""
