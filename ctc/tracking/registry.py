"""The registry: versions, and the aliases that people load them by."""

import re
from collections.abc import Mapping
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
class Standing:
    """What the registry says before an alias moves.

    Attributes:
        name: of the registered model.
        alias: the alias that is to move.
        version: the one that is to have it.
        holder: the one that has it now, if any.
    """

    name: str
    alias: str
    version: str
    holder: str | None

    def uri(self, version: str) -> str:
        """Return where a version of the model is found."""
        return f"models:/{self.name}/{version}"


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
    become_candidate(name, version)
    return version


def become_candidate(name: str, version: str) -> None:
    """Give a version the alias `candidate`."""
    mlflow.MlflowClient().set_registered_model_alias(name, CANDIDATE, version)


def standing(name: str, version: str, alias: str) -> Standing:
    """Return which version is meant, and which has the alias.

    Args:
        name: of the registered model.
        version: a number or an alias.
        alias: the one that is to move.

    Raises:
        BadInput: if the registry has no such model or version, or the alias cannot be used.
    """
    check_alias(alias)
    chosen = str(_find(name, version).version)
    return Standing(name, alias, chosen, holder(name, alias))


def standing_before(name: str) -> Standing:
    """Return what the registry says before the champion gives way to the one before it.

    Raises:
        BadInput: if there is no champion, or none before it.
    """
    _find(name, CHAMPION)
    now = Standing(name, CHAMPION, str(_find(name, PREVIOUS).version), holder(name, CHAMPION))
    if now.version == now.holder:
        raise BadInput(f"rollback: '{PREVIOUS}' of '{name}' is the champion, version {now.version}")
    return now


def check_alias(alias: str) -> None:
    """Refuse an alias that cannot be used.

    Raises:
        BadInput: with what is allowed.
    """
    if not ALIAS.fullmatch(alias) or RESERVED.fullmatch(alias) or alias == PREVIOUS:
        raise BadInput(
            f"alias: found '{alias}'; allowed: letters, digits, '_' and '-', but not 'latest', "
            f"'{PREVIOUS}' or a number"
        )


def tag_version(name: str, version: str, tags: Mapping[str, str]) -> None:
    """Set tags of a version."""
    client = mlflow.MlflowClient()
    for key, value in tags.items():
        client.set_model_version_tag(name, version, key, value)


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


def holder(name: str, alias: str) -> str | None:
    """Return the version that has an alias, if any."""
    # A version is text in MLflow's API; its SQL store answers with a number here.
    found = mlflow.MlflowClient().get_registered_model(name).aliases.get(alias)
    return None if found is None else str(found)
