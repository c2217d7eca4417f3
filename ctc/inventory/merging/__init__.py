"""From rows as people write them to observations of captures."""
