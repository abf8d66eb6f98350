"""The terminal: what a command prints, the progress of a long step, Ctrl-C, and the exit code at the end."""

import errno
import io
import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import groupby
from operator import itemgetter
from types import FrameType
from typing import TYPE_CHECKING, Any, TextIO

import typer

from matching.errors import DataError, Problem, counted

if TYPE_CHECKING:
    import pandas as pd

WRONG_INPUT = 2
ANSWER_IS_NO = 3
INTERRUPTED = 130
PIPE_CLOSED = 141
"""As a shell reports a command that SIGPIPE ended."""
_CANNOT_WRITE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}


def exit_code_of(command: Callable[[], object]) -> int:
    """Run a command, print what is wrong with its input or its output, and return its exit code.

    A reader that closes the pipe, as `head` does, ends the command in silence. A full disk ends it in one sentence.
    """
    for stream in (sys.stdout, sys.stderr):
        # A console without a letter of someone's name shows a question mark in its place.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        code = _code(command)
        _flush()
    except BrokenPipeError:
        code = PIPE_CLOSED
    except OSError as error:
        # An error of a named file is not one of standard output.
        if error.errno not in _CANNOT_WRITE or error.filename is not None:
            raise
        code = WRONG_INPUT
        _discard(sys.stdout)
        with suppress(OSError):
            reason = (error.strerror or "no reason given").lower()
            typer.echo(f"The output cannot be written ({reason}). Free some space, or send it elsewhere.", err=True)
    _discard_what_is_left()
    return code


def _code(command: Callable[[], object]) -> int:
    try:
        command()
    except DataError as error:
        for notice in error.notices:
            typer.echo(f"Notice: {notice}", err=True)
        for problem in error.problems:
            typer.echo(str(problem), err=True)
        typer.echo(f"{counted(len(error.problems), 'problem')} found; nothing was written.", err=True)
        return WRONG_INPUT
    except SystemExit as end:
        if isinstance(end.__context__, BrokenPipeError):
            return PIPE_CLOSED
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()


def _discard_what_is_left() -> None:
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            try:
                stream.flush()
            except OSError:
                _discard(stream)


def _discard(stream: TextIO) -> None:
    """Send to nowhere what a stream still holds: Python flushes it again on its way out, and would complain."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


JSON_FORMAT = 1
"""The version of the objects that `--json` prints; a key that goes or changes its meaning raises it (docs/json.md)."""


def print_json(command: str, **found: object) -> None:
    """Print the answer of a command as one JSON object: a DataFrame in it as a list of rows, and nan as null."""
    answer = {"format": JSON_FORMAT, "command": command, **found}
    typer.echo(json.dumps(answer, ensure_ascii=False, indent=2, allow_nan=False, default=_as_json))


def _as_json(value: Any) -> object:
    if isinstance(value, Problem):
        keys = ("table", "row", "column", "value", "message", "fix")
        return {key: getattr(value, key) for key in keys}
    if hasattr(value, "to_dict"):
        return value.astype("object").where(value.notna(), None).to_dict("records")
    return str(value)


def print_notices(notices: Sequence[str], *, err: bool = False) -> None:
    """Print each notice on a line of its own."""
    for notice in notices:
        typer.echo(f"Notice: {notice}", err=err)


def print_due_for_review(due: "pd.DataFrame") -> None:
    """Print the checks of each person that are due for review, each with its row in the accreditation table."""
    for (supporter_id, name), checks in groupby(due.to_dict("records"), itemgetter("supporter_id", "supporter_name")):
        listed = ", ".join(f"{one['criterion']} (row {one['row']}, {one['checked_on'] or 'no date'})" for one in checks)
        typer.echo(f"Due for review: {name} ({supporter_id}): {listed}.")


@contextmanager
def progress() -> Iterator[Callable[[str], None]]:
    """Yield a function that shows the current step on a terminal; in a pipe it shows nothing."""
    # The console library would believe FORCE_COLOR rather than the stream.
    if sys.stderr is None or not sys.stderr.isatty():
        yield lambda step: None
        return
    from rich.console import Console  # noqa: PLC0415 - slow to load, and not needed in a pipe
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn  # noqa: PLC0415

    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as shown:
        step = shown.add_task("Starting", total=None)
        yield lambda words: shown.update(step, description=words)


@contextmanager
def stopped_by_interrupt() -> Iterator[threading.Event]:
    """Yield an event that the first Ctrl-C sets, so that a search ends with its best plan; a second one quits."""
    cancel = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        if cancel.is_set():
            raise KeyboardInterrupt
        cancel.set()
        typer.echo("Stopping and writing the best plan so far. Press Ctrl-C again to quit without it.", err=True)

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield cancel
    except KeyboardInterrupt as interrupt:
        typer.echo("Stopped; nothing was written.", err=True)
        raise typer.Exit(INTERRUPTED) from interrupt
    finally:
        signal.signal(signal.SIGINT, before)
