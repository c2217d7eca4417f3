"""The registry: versions, and the aliases that people load them by."""

import re
from dataclasses import dataclass

import mlflow
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from ctc.errors import BadInput

CANDIDATE, CHAMPION, PREVIOUS = "candidate", "champion", "previous"
# MLflow's own rules: `latest` and v<N> are reserved, and a number is a version.
RESERVED = re.compile(r"latest|v?\d+")
ALIAS = re.compile(r"[A-Za-z0-9_-]+")
NAME = re.compile(r"[^/:.%\"'\s][^/:%\"']*")


@dataclass(frozen=True)
class Promotion:
    """What a promotion did.

    Attributes:
        name: of the registered model.
        version: the one that has the alias now.
        alias: the alias that moved.
        previous: the version that had it before, if any; of `champion` it is `previous` now.
    """

    name: str
    version: str
    alias: str
    previous: str | None


def check_name(name: str | None) -> None:
    """Refuse a name that the registry would refuse after the training.

    Raises:
        BadInput: with what is allowed.
    """
    if name is not None and not NAME.fullmatch(name):
        raise BadInput(f"register: found '{name}'; allowed: a name without '/', ':', '%' or quotes")


def register(model_uri: str, name: str) -> str:
    """Make a logged model a version of `name`, with the alias `candidate`; return its number."""
    version = str(mlflow.register_model(model_uri, name).version)
    mlflow.MlflowClient().set_registered_model_alias(name, CANDIDATE, version)
    return version


def promote(name: str, version: str, alias: str) -> Promotion:
    """Move an alias to a version; the champion before becomes `previous`.

    Raises:
        BadInput: if the registry has no such model or version, or the alias cannot be used.
    """
    check_promotion(name, version, alias)
    client = mlflow.MlflowClient()
    chosen = str(_find(name, version).version)
    before = _holder(name, alias)
    moved = before if before != chosen else None
    if moved is not None and alias == CHAMPION:
        client.set_registered_model_alias(name, PREVIOUS, moved)
    client.set_registered_model_alias(name, alias, chosen)
    client.set_model_version_tag(name, chosen, "promoted_as", alias)
    return Promotion(name, chosen, alias, moved)


def check_promotion(name: str, version: str, alias: str) -> None:
    """Refuse what cannot be promoted, before a run is started.

    Raises:
        BadInput: see `promote`.
    """
    if not ALIAS.fullmatch(alias) or RESERVED.fullmatch(alias) or alias == PREVIOUS:
        raise BadInput(
            f"alias: found '{alias}'; allowed: letters, digits, '_' and '-', but not 'latest', "
            f"'{PREVIOUS}' or a number"
        )
    _find(name, version)


def _find(name: str, version: str) -> ModelVersion:
    client = mlflow.MlflowClient()
    try:
        if version.isdigit():
            return client.get_model_version(name, version)
        return client.get_model_version_by_alias(name, version)
    except MlflowException as error:
        raise BadInput(_missing(name, version)) from error


def _missing(name: str, version: str) -> str:
    client = mlflow.MlflowClient()
    models = {model.name: model for model in client.search_registered_models()}
    if name not in models:
        has = ", ".join(sorted(models)) or "no model yet"
        return f"no registered model '{name}'; the registry has: {has}"
    versions = client.search_model_versions(f"name = '{name}'")
    numbers = sorted((one.version for one in versions), key=int)
    has = ", ".join([*map(str, numbers), *sorted(models[name].aliases)])
    return f"'{name}' has no version '{version}'; it has: {has}"


def _holder(name: str, alias: str) -> str | None:
    # A version is text in MLflow's API; its SQL store answers with a number here.
    found = mlflow.MlflowClient().get_registered_model(name).aliases.get(alias)
    return None if found is None else str(found)
