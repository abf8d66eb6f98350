"""The files that a command names: opened, read as one round, and written."""

import gc
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

from matching.errors import DataError, Problem
from matching.inputs.headers import options_source, read_options
from matching.inputs.inputs import Inputs
from matching.inputs.read import read_inputs
from matching.inputs.recognise import unread_columns
from matching.plan.directories import write_file
from matching.plan.on_disk import SavedPlan, saved_inputs
from matching.tables.files import Source, open_source

_VALUES_BETWEEN_COLLECTIONS = 100_000


def opened(paths: Mapping[str, Path | None]) -> dict[str, Source]:
    """Open the files that were named, by the name of the table; None where the option was not given.

    Raises
    ------
    DataError
        With one problem for every file that cannot be opened.
    """
    sources: dict[str, Source] = {}
    problems: list[Problem] = []
    for name, path in paths.items():
        if path is not None:
            try:
                sources[name] = open_source(path)
            except DataError as error:
                problems += error.problems
    if problems:
        raise DataError(problems)
    return sources


def tables_of_round(
    schools: Path | None,
    supporters: Path | None,
    needs: Path | None,
    accreditation: Path | None,
    decisions: Path | None,
    policy: Path | None,
    baseline: Path | None = None,
) -> dict[str, Source]:
    """Open the tables of a round; `baseline` is the directory of an earlier plan."""
    paths = {
        "schools": schools,
        "supporters": supporters,
        "needs": needs,
        "accreditation": accreditation,
        "decisions": decisions,
        "policy": policy,
        "baseline": baseline / "plan.csv" if baseline else None,
    }
    return opened(paths)


def supplements(ofsted: Path | None, links: Path | None, columns: Path | None, leave_out: bool) -> dict[str, Source]:
    """Open the files that add to the tables or say how to read them."""
    sources = opened({"ofsted": ofsted, "links": links, "columns": columns})
    if leave_out:
        options = replace(read_options(sources.get("columns")), leave_out=True)
        sources["columns"] = options_source(options)
    return sources


def read_round(
    sources: Mapping[str, Source], as_at: date | None, columns: Mapping[str, Collection[str]] | None = None
) -> Inputs:
    """Read and check the tables of a round as at a day; today if None. `columns` are as in `read_inputs`."""
    # Tables hold hundreds of thousands of values, and nearly all of them live as long as the command.
    gc.set_threshold(_VALUES_BETWEEN_COLLECTIONS)
    return read_inputs(sources, as_at=as_at, columns=columns)


def with_columns_named(sources: Mapping[str, Source]) -> Mapping[str, Source]:
    """Return the sources of a new run, if no column that the user filled in would be left unread.

    Raises
    ------
    DataError
        With every other problem of the tables.
    """
    unread = unread_columns(sources)
    if unread:
        try:
            read_inputs(sources)
        except DataError as error:
            raise DataError([*error.problems, *unread], error.notices) from error
        raise DataError(unread)
    return sources


def inputs_of(saved: SavedPlan) -> Inputs:
    """Read the inputs that a saved plan was made from."""
    gc.set_threshold(_VALUES_BETWEEN_COLLECTIONS)
    return saved_inputs(saved)


def write_one_file(path: Path, content: bytes) -> None:
    """Write a file whole or not at all.

    Raises
    ------
    DataError
        The file cannot be written.
    """
    try:
        write_file(path, content)
    except OSError as error:
        message = f"{path} cannot be written ({(error.strerror or 'no reason given').lower()})."
        fix = "Check the path, the free space and your rights."
        raise DataError([Problem(path.name, None, "", "", message, fix)]) from error
