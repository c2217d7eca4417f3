"""Parts of a training, one after the other: with the backbone frozen, and with all weights."""

from dataclasses import dataclass

from ctc.errors import BadInput
from ctc.params import TrainParams

# Of the highest learning rate, once a backbone that has learnt before learns again: large steps
# would undo what it knows. A usual choice; 1/100 is as common (keras.io, "Transfer learning").
UNFROZEN = 0.1


@dataclass(frozen=True)
class Phase:
    """Some epochs with the same weights to learn.

    Attributes:
        first: its first epoch, counted from 0.
        end: the epoch after its last.
        learning_rate: the highest.
        frozen: whether the heads alone learn.
    """

    first: int
    end: int
    learning_rate: float
    frozen: bool


def phases(params: TrainParams) -> tuple[Phase, ...]:
    """Return the parts of a training; `trainable` has to be decided, `auto` is all."""
    if params.trainable != "heads":
        return (Phase(0, params.epochs, params.learning_rate, frozen=False),)
    if params.unfreeze_epoch is None:
        return (Phase(0, params.epochs, params.learning_rate, frozen=True),)
    turn = params.unfreeze_epoch - 1
    return (
        Phase(0, turn, params.learning_rate, frozen=True),
        Phase(turn, params.epochs, unfrozen_rate(params), frozen=False),
    )


def unfrozen_rate(params: TrainParams) -> float:
    """Return the highest learning rate from `unfreeze_epoch` on."""
    return params.unfreeze_learning_rate or UNFROZEN * params.learning_rate


def check_phases(params: TrainParams) -> None:
    """Refuse what cannot be frozen or unfrozen as asked; `trainable` has to be decided.

    Raises:
        BadInput: naming the parameter.
    """
    turn = params.unfreeze_epoch
    if turn is None and params.unfreeze_learning_rate is not None:
        raise BadInput("unfreeze_learning_rate has no effect without `unfreeze_epoch`; give both")
    if turn is not None and params.trainable == "all":
        raise BadInput(f"unfreeze_epoch={turn}: nothing is frozen, as all weights are to learn")
    if turn is not None and turn > params.epochs:
        raise BadInput(
            f"unfreeze_epoch: found {turn}; allowed: at least 2 and at most {params.epochs}, the "
            "last epoch"
        )
