"""From an inventory to a dataset: pictures and labels in TFRecord shards, and back as batches."""
