"""The files that a command names: opened, read as one round, and written."""

import gc
import gzip
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from types import MappingProxyType

import pandas as pd
import typer

from matching.errors import DataError, Problem, file_problem, joined
from matching.inputs.headers import options_source, read_options
from matching.inputs.inputs import Inputs
from matching.inputs.read import check_additions, read_inputs
from matching.library.frames import number_columns, sources_of
from matching.plan.directories import PLAN_MARK, check_target, write_files
from matching.plan.on_disk import SavedPlan, saved_inputs
from matching.tables.csv_out import csv_bytes, workbook_bytes
from matching.tables.files import Source

_VALUES_BETWEEN_COLLECTIONS = 100_000
_ADDITIONS = MappingProxyType({"ofsted": "schools"})


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
    return sources_of(paths)


def supplements(ofsted: Path | None, links: Path | None, columns: Path | None, leave_out: bool) -> dict[str, Source]:
    """Open the files that add to the tables or say how to read them."""
    sources = sources_of({"ofsted": ofsted, "links": links, "columns": columns})
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


def inputs_of(saved: SavedPlan) -> Inputs:
    """Read the inputs that a saved plan was made from."""
    gc.set_threshold(_VALUES_BETWEEN_COLLECTIONS)
    return saved_inputs(saved)


def check_used(sources: Mapping[str, Source], additions: Mapping[str, str] = _ADDITIONS) -> None:
    """Refuse an option whose file only adds to a GIAS extract, where the schools are none: it would be ignored.

    Raises
    ------
    DataError
    """
    check_additions(sources, additions, called=lambda name: f"--{name.replace('_', '-')}")


# ---- what a command writes -----------------------------------------------------------------------------------------

STANDARD_OUTPUT = Path("-")
TABLE_ENDINGS = (".csv", ".xlsx")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def check_ending(path: Path, known: Sequence[str] = TABLE_ENDINGS, *, option: str = "--out") -> None:
    """Refuse a file whose name ends in a format that is not written; each ending may be followed by .gz.

    Raises
    ------
    DataError
    """
    if path != STANDARD_OUTPUT and not path.name.lower().removesuffix(".gz").endswith(tuple(known)):
        listed = joined([*known, *(f"{ending}.gz" for ending in known)])
        message = f"{path.name} does not end in the name of a format that is written here."
        raise DataError([file_problem(option, message, f"Known are {listed}, and - for standard output.")])


def check_json_alone(out: Path | None, as_json: bool) -> None:
    """Refuse a file on standard output where the JSON object is printed there.

    Raises
    ------
    DataError
    """
    if as_json and out == STANDARD_OUTPUT:
        message = "Standard output cannot hold both this file and what --json prints."
        raise DataError([file_problem("--out", message, "Name a file, or leave one of the two options out.")])


def check_directory(path: Path, *, mark: str | None = PLAN_MARK) -> None:
    """Refuse a directory that is named like a file, or that holds files and not `mark`, before any work is done.

    Raises
    ------
    DataError
    """
    if path.suffix.lower() in _FILE_ENDINGS and not path.exists():
        message, fix = f"{path.name} is named like a file, and a directory is written here.", "Name a directory."
        raise DataError([file_problem("--out", message, fix)])
    if mark is not None:
        check_target(path, mark=mark)


_FILE_ENDINGS = frozenset({".csv", ".gz", ".graphml", ".json", ".toml", ".tsv", ".xls", ".xlsx", ".zip"})


def table_bytes(path: Path, table: pd.DataFrame) -> bytes:
    """Return a table of text as its file's ending says, or as CSV without a byte-order mark for standard output."""
    if path.name.lower().removesuffix(".gz").endswith(".xlsx"):
        return workbook_bytes({path.name.split(".")[0]: table}, number_columns(table))
    return csv_bytes(table).removeprefix(_BYTE_ORDER_MARK) if path == STANDARD_OUTPUT else csv_bytes(table)


def place(out: Path) -> str:
    """Return where a file was written, in words."""
    return "standard output" if out == STANDARD_OUTPUT else str(out)


def say(sentence: str, out: Path | None) -> None:
    """Print what was written: on standard error where standard output holds the file itself."""
    typer.echo(sentence, err=out == STANDARD_OUTPUT)


def write_all(files: Mapping[Path, bytes]) -> None:
    """Write files, all or none, packed where a name ends in .gz; one of them may be standard output.

    Raises
    ------
    DataError
        A file cannot be written.
    """
    try:
        # Without the time, so that equal content gives an equal file.
        write_files(
            {
                path: gzip.compress(content, mtime=0) if path.suffix.lower() == ".gz" else content
                for path, content in files.items()
                if path != STANDARD_OUTPUT
            }
        )
    except OSError as error:
        path = Path(error.filename) if error.filename else next(iter(files))
        message = f"{path} cannot be written ({(error.strerror or 'no reason given').lower()})."
        fix = "Check the path, the free space and your rights."
        raise DataError([Problem(path.name, None, "", "", message, fix)]) from error
    if STANDARD_OUTPUT in files:
        typer.echo(files[STANDARD_OUTPUT], nl=False)
