"""Pictures as cameras wrote them: read, shrunk, compared and laid out. No TensorFlow."""
