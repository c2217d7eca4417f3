"""The steps as commands, one file each; run from the project's root, never installed."""
