"""A classifier as one file that other programs run, without Python, TensorFlow or Keras."""
