"""A network is fitted to a dataset, by Keras."""
