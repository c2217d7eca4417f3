"""What a run logs goes to a journal on this machine, and from there to the tracking server."""
