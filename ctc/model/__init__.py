"""From a dataset to a classifier: networks, augmentation, training. Keras alone."""
