"""The only click: makes a command of a step's parameters; what commands say alike."""

import os
import sys
from collections.abc import Callable, Sequence
from io import TextIOWrapper
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click
from click.core import ParameterSource

from ctc.errors import NO_ROOM, BadInput, CannotGoOn
from ctc.parameter import as_text, build, parameters, unknown_parameter

if TYPE_CHECKING:
    from ctc.inventory.findings import Finding

P = TypeVar("P")
LONGEST_NOTE = 400  # characters
MOST_FINDINGS = 12  # lines on the screen; findings.csv has all


class _Sentences(click.Command):
    """Answers bad input with one sentence and exit code 2, what breaks off with one and 1."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        if isinstance(sys.stdout, TextIOWrapper):
            # Python keeps lines back where there is no terminal; a log is followed as it grows.
            sys.stdout.reconfigure(line_buffering=True)
        try:
            return super().main(*args, **{**kwargs, "standalone_mode": False})
        except click.NoSuchOption as error:
            known = [option.name or "" for option in self.params]
            _refuse(unknown_parameter(error.option_name.lstrip("-"), known))
        except click.ClickException as error:
            _refuse(error.format_message())
        except BadInput as error:
            _refuse(str(error))
        except CannotGoOn as error:
            _refuse(str(error), 1)
        except OSError as error:
            if error.filename is None and error.errno not in NO_ROOM:
                raise  # neither about a file that the user named nor about their disk
            _refuse(_what_failed(error), 1)
        except (KeyboardInterrupt, click.Abort):
            sys.exit(130)  # 128 + SIGINT, as a shell says it
        except Exception as error:
            sentence = _said_by_server(error)
            if sentence is None:
                raise
            _refuse(sentence, 1)


def _said_by_server(error: Exception) -> str | None:
    """Say in a sentence what a tracking server answered; None: it is no error of one."""
    if "ctc.tracking" not in sys.modules:  # it takes seconds to load
        return None
    from ctc.tracking import failure_of

    failure = failure_of(error, "")
    return failure.sentence if failure else None


def _what_failed(error: OSError) -> str:
    where = f"'{error.filename}': " if error.filename else ""
    if error.errno not in NO_ROOM:
        return f"{where}{error.strerror}"
    # Arrow, for one, has a longer text of its own.
    why = os.strerror(error.errno or 0)
    return f"{where}{why}; make room and give the same command again"


def _refuse(sentence: str, code: int = 2) -> NoReturn:
    click.echo(f"Error: {' '.join(sentence.splitlines())}", err=True)
    sys.exit(code)


def given() -> frozenset[str]:
    """Return the names of the parameters that stand on the command line of the step in progress."""
    context = click.get_current_context()
    known = (option.name or "" for option in context.command.params)
    return frozenset(
        name for name in known if context.get_parameter_source(name) is ParameterSource.COMMANDLINE
    )


def step_command(kind: type[P]) -> Callable[[Callable[[P], None]], click.Command]:
    """Make a function of a step's parameters into its command.

    Every option is text to click; `ctc.parameter` parses and checks it, so that there is one
    way to say what is allowed.
    """

    def decorate(run: Callable[[P], None]) -> click.Command:
        def callback(**given: str | None) -> None:
            run(build(kind, {name: text for name, text in given.items() if text is not None}))

        options: list[click.Parameter] = [
            click.Option(
                [f"--{p.name}", p.name],
                help=f"{p.help}  [default: {as_text(p.default)}]",
                metavar=p.kind.upper(),
            )
            for p in parameters(kind)
        ]
        return _Sentences(run.__module__, params=options, callback=callback, help=kind.__doc__)

    return decorate


def findings_as_notes(findings: "Sequence[Finding]") -> list[str]:
    """Return a line a finding for the screen, and how many more the run has."""
    from ctc.pictures.captions import one_line, shortened

    notes = [
        shortened(one_line(f"note: {one.what}: {one.count}, such as {one.example}"), LONGEST_NOTE)
        for one in findings
    ]
    more = len(notes) - MOST_FINDINGS
    return notes[:MOST_FINDINGS] + ([f"and {more} more in findings.csv"] if more > 0 else [])
