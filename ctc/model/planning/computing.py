"""What a training computes with, decided before any work."""

from collections.abc import Sequence
from dataclasses import dataclass

from ctc.errors import BadInput
from ctc.model.devices import CPU, Gpu
from ctc.params import Machine

# From this compute capability on an NVIDIA GPU has units for float16 (Volta, 2017).
HALF = (7, 0)


@dataclass(frozen=True)
class Computing:
    """What a training computes with: what was asked for, with what `auto` comes to.

    Attributes:
        precision: how numbers are kept between layers, as Keras names it; weights are float32.
        devices: of each host, as TensorFlow names them; each takes its share of every batch.
        jit: whether XLA compiles the step.
        hosts: machines that take their shares; more than one compute by JAX.
    """

    precision: str = "float32"
    devices: tuple[str, ...] = (CPU,)
    jit: bool = False
    hosts: int = 1


def plan_computing(machine: Machine, present: Sequence[Gpu]) -> Computing:
    """Decide what to compute with.

    Args:
        machine: what was asked for.
        present: the GPUs that there are.

    Raises:
        BadInput: for more GPUs than there are, and for what several of them, or several hosts,
            cannot do.
    """
    wanted = len(present) if machine.gpus == "all" else int(machine.gpus)
    if wanted > len(present):
        raise BadInput(
            f"gpus: found {wanted}; TensorFlow sees {len(present) or 'none'} on this machine"
        )
    used = present[:wanted]
    if machine.hosts > 1:
        return _over_hosts(machine, used)
    if machine.jit == "yes" and len(used) > 1:
        # Variables that several devices share cannot be reached from a compiled step.
        raise BadInput(f"jit=yes: found {len(used)} GPUs; XLA compiles the step of one: gpus=1")
    return Computing(
        precision=_precision(machine.precision, used),
        devices=tuple(gpu.name for gpu in used) or (CPU,),
        jit=machine.jit == "yes" or (machine.jit == "auto" and len(used) == 1),
    )


def _over_hosts(machine: Machine, used: Sequence[Gpu]) -> Computing:
    """Decide for several hosts, each of which has the GPUs that this machine uses."""
    if machine.jit == "no":
        raise BadInput(
            f"jit=no: JAX compiles every step; allowed with hosts={machine.hosts}: auto, yes"
        )
    return Computing(
        precision=_precision(machine.precision, used),
        devices=tuple(gpu.name for gpu in used) or (CPU,),
        jit=True,
        hosts=machine.hosts,
    )


def shared_batch(asked: int, captures: int, computing: Computing) -> int:
    """Return the pictures of a step, as a number that all devices of all hosts can share.

    A batch larger than all captures would be filled up with the same ones again.

    Raises:
        BadInput: for a number that they cannot share, and for fewer captures than hosts' devices.
    """
    devices = len(computing.devices) * computing.hosts
    if asked % devices:
        raise BadInput(
            f"batch_size: found {asked}; allowed on {_counted(computing)}: multiples of {devices}"
        )
    if computing.hosts > 1 and captures < devices:
        raise BadInput(
            f"hosts: found {_counted(computing)}, for {captures} captures an epoch; allowed: at "
            "most one for each capture"
        )
    return min(asked, max(captures // devices, 1) * devices)


def _counted(computing: Computing) -> str:
    hosts = f"{computing.hosts} hosts" if computing.hosts > 1 else ""
    gpus = f"{len(computing.devices)} GPUs" if len(computing.devices) > 1 else ""
    return " of ".join(filter(None, (hosts, gpus)))


def _precision(asked: str, used: Sequence[Gpu]) -> str:
    if asked != "auto":
        return asked
    return "mixed_float16" if used and all(gpu.capability >= HALF for gpu in used) else "float32"
