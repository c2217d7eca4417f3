"""The figures of the machine while a run goes on: CPU, memory, disk, network, GPU."""

from collections.abc import Iterator
from contextlib import contextmanager

from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor

from ctc.tracking.run import now
from ctc.tracking.sending.sender import Sender


class _Watching(SystemMetricsMonitor):
    """Takes the figures that MLflow takes, as often, but keeps them as all else is kept.

    MLflow's own asks the server each time and gives up when it does not answer.
    """

    def __init__(self, sender: Sender, goes_on: bool) -> None:
        super().__init__(sender.journal.run_id, resume_logging=goes_on)  # type: ignore[no-untyped-call]
        self._sender = sender

    def monitor(self) -> None:
        """Take figures until the run ends."""
        while True:
            for _ in range(self.samples_before_logging):
                self.collect_metrics()  # type: ignore[no-untyped-call]
                if self._shutdown_event.wait(self.sampling_interval):
                    return
            self.publish_metrics(self.aggregate_metrics())  # type: ignore[no-untyped-call]

    def publish_metrics(self, metrics: dict[str, float]) -> None:
        """Keep figures."""
        node = f"{self.node_id}/" if self.node_id else ""
        values = {f"{self._metrics_prefix}{node}{name}": one for name, one in metrics.items()}
        self._sender.put("points", {"values": values, "step": self._logging_step, "at": now()})
        self._logging_step += 1
        for monitor in self.monitors:
            monitor.clear_metrics()  # type: ignore[no-untyped-call]


@contextmanager
def watched(sender: Sender, goes_on: bool) -> Iterator[None]:
    """Take figures of the machine in this block; those of a run that goes on follow its last."""
    watching = _Watching(sender, goes_on)
    watching.start()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        watching._shutdown_event.set()
        if watching._process is not None:
            watching._process.join()
