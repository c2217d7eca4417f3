"""How long training waits for its batches."""

import tensorflow as tf


class Waiting:
    """Measures the seconds in which whoever takes batches stood still."""

    def __init__(self) -> None:
        # On the host, where tf.data runs; a GPU would take the variable otherwise.
        with tf.device("CPU:0"):
            self._seconds = tf.Variable(0.0, dtype=tf.float64, trainable=False)

    def over(self, batches: tf.data.Dataset) -> tf.data.Dataset:
        """Return the same batches, each taken between two looks at the clock."""

        def count(began: tf.Tensor, batch: tuple[tf.Tensor, ...], ended: tf.Tensor) -> object:
            with tf.control_dependencies([self._seconds.assign_add(ended - began)]):
                return tf.nest.map_structure(tf.identity, batch)

        clock = tf.data.Dataset.counter().map(lambda _: tf.timestamp())
        # A zip asks its parts one after the other. It has to run in the caller's thread: a
        # prefetch behind it, which tf.data puts there unasked, would measure its own waiting.
        options = tf.data.Options()
        options.experimental_optimization.inject_prefetch = False
        return tf.data.Dataset.zip((clock, batches, clock)).map(count).with_options(options)

    def taken(self) -> float:
        """Return the seconds since the last call, and begin anew."""
        seconds = float(self._seconds.numpy())
        self._seconds.assign(0.0)
        return seconds
