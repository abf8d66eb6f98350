"""A plan read back from its directory, or from the bytes of its files."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError

from matching.errors import DataError, Problem, joined
from matching.inputs.inputs import InputFile, Inputs
from matching.inputs.read import read_inputs
from matching.plan import earlier_formats
from matching.plan.as_bytes import CALENDARS, EQUITY_FILE, SURPLUS_FILE
from matching.plan.directories import PLAN_MARK
from matching.plan.equity import EQUITY_COLUMNS
from matching.plan.write import (
    EXCLUDED_COLUMNS,
    PLAN_COLUMNS,
    PLAN_FORMAT,
    SURPLUS_COLUMNS,
    UNMET_COLUMNS,
    WORKLOAD_COLUMNS,
    Plan,
)
from matching.tables.files import Source, open_source, read_sheet

_TABLES = {
    "plan.csv": PLAN_COLUMNS,
    "unmet.csv": UNMET_COLUMNS,
    "workload.csv": WORKLOAD_COLUMNS,
    "excluded.csv": EXCLUDED_COLUMNS,
}
NEEDED_FILES = (*_TABLES, PLAN_MARK)
"""The files without which no plan can be read."""
# A plan can be read without these; format 1 did not always have them.
_PROOF_TABLES = {EQUITY_FILE: EQUITY_COLUMNS, SURPLUS_FILE: SURPLUS_COLUMNS}
_MAKE_AGAIN = "Make the plan again with 'allocate'."

_Count = Annotated[int, Field(ge=0, le=10**12)]
_Amount = Annotated[FiniteFloat, Field(ge=-(10**12), le=10**12)]


class _InputFile(BaseModel):
    file: str
    sha256: str
    rows: _Count | None


class _Proof(BaseModel):
    method: str
    bonus: _Amount


class _Level(BaseModel):
    level: str
    value: _Amount
    bound: _Amount


class _Manifest(BaseModel):
    """What a manifest has to hold for a plan to be read back; whether it is true is for `verify` to find."""

    model_config = ConfigDict(strict=True)

    written_at: str
    as_at: Annotated[date, Field(strict=False)]
    inputs: dict[str, _InputFile]
    policy: dict[str, Any]
    counts: dict[str, _Count]
    notices: list[str]
    status: str
    proof: _Proof
    objective: Annotated[list[_Level], Field(min_length=4, max_length=4)]
    outputs: dict[str, str]


class _Manifest2(_Manifest):
    stored: dict[str, _InputFile]
    reading_notices: list[str]


@dataclass(frozen=True)
class SavedPlan:
    """A plan as it was saved.

    Attributes
    ----------
    plan : Plan
        As this version knows plans, whatever its format: what came later is blank.
    sha256 : mapping of str to str
        The digests of its files by path, but for the manifest's own.
    sources : mapping of str to Source
        Its copies of the inputs, under the names that the user's files had.
    equity : DataFrame or None
        The table of equity.csv; None without one.
    format : int
        The format that it was written in.
    strays : tuple of str
        Paths of files that are no part of a plan.
    """

    plan: Plan
    sha256: Mapping[str, str]
    sources: Mapping[str, Source]
    equity: pd.DataFrame | None = None
    format: int = PLAN_FORMAT
    strays: tuple[str, ...] = ()

    @property
    def as_at(self) -> date:
        """The day of its run."""
        return date.fromisoformat(self.plan.manifest["as_at"])

    @property
    def columns(self) -> Mapping[str, Collection[str]]:
        """By table: the only columns of its inputs that its format reads, where these are not all."""
        return earlier_formats.INPUT_COLUMNS.get(self.format, {})


def saved_inputs(saved: SavedPlan) -> Inputs:
    """Return the inputs of a saved plan's run, from its own copies.

    Raises
    ------
    DataError
        A copy cannot be read.
    """
    return as_of_run(saved, read_inputs(saved.sources, as_at=saved.as_at, columns=saved.columns))


def as_of_run(saved: SavedPlan, inputs: Inputs) -> Inputs:
    """Return inputs that were read from a plan's own copies with what the run knew of the files: names and notices."""
    manifest = saved.plan.manifest
    if saved.format == 1:
        return earlier_formats.as_read_then(inputs, saved.sources, manifest, list(saved.plan.tables().values()))[0]
    if saved.format == 2:
        inputs = earlier_formats.with_rules_of_then(inputs)
    return replace(
        inputs,
        files={name: InputFile(**file) for name, file in files_given(manifest).items()},
        notices=tuple(manifest["reading_notices"]),
    )


def files_given(manifest: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return what a manifest holds of each file that the user gave: its name, digest and number of rows."""
    return {
        name: {"name": one["file"], "sha256": one["sha256"], "rows": one["rows"]}
        for name, one in manifest["inputs"].items()
    }


def read_directory(directory: Path) -> SavedPlan:
    """Read a plan back, with its copies of the inputs.

    Raises
    ------
    DataError
        The directory is no plan, a file of it cannot be read, or it has a newer format.
    """
    return read_files(read_directory_files(directory))


def read_directory_files(directory: Path) -> dict[str, bytes]:
    """Return the bytes of every file of a plan's directory, by path there.

    Raises
    ------
    DataError
        The directory is no plan, or a file of it cannot be opened.
    """
    if not (directory / PLAN_MARK).is_file():
        message, fix = "There is no plan here: manifest.json is missing.", "Name a directory that 'allocate' has made."
        raise DataError([Problem(str(directory), None, "", "", message, fix)])
    paths = sorted(path for path in directory.rglob("*") if path.is_file())
    return {path.relative_to(directory).as_posix(): open_source(path).content for path in paths}


def read_files(files: Mapping[str, bytes]) -> SavedPlan:
    """Read a plan back from its files' bytes, by their paths in its directory.

    Raises
    ------
    DataError
        A file is missing or cannot be read, or the plan has a newer format.
    """
    missing = [name for name in NEEDED_FILES if name not in files]
    if missing:
        raise DataError(
            Problem(name, None, "", "", "This file of the plan is missing.", _MAKE_AGAIN) for name in missing
        )
    plan_format, manifest = _read_manifest(Source(PLAN_MARK, files[PLAN_MARK]))
    columns_of = _TABLES | {name: columns for name, columns in _PROOF_TABLES.items() if name in files}
    if plan_format == 1:
        columns_of["plan.csv"] = earlier_formats.DEPLOYMENT_COLUMNS
    tables = {name: _read_table(Source(name, files[name]), columns, manifest) for name, columns in columns_of.items()}
    if plan_format == 1:
        manifest = earlier_formats.present_manifest(manifest)
        tables["plan.csv"] = earlier_formats.present_deployments(tables["plan.csv"])
        copies = earlier_formats.input_copies(files, manifest)
        own = {path for path in files if earlier_formats.is_input_copy(path)}
    else:
        paths = {name: one["file"] for name, one in manifest["stored"].items() if one["file"] in files}
        given = manifest["inputs"]
        copies = {name: Source(given.get(name, {"file": path})["file"], files[path]) for name, path in paths.items()}
        own = set(paths.values())
    deployments, unmet, workload, excluded = (tables[name] for name in _TABLES)
    plan = Plan(deployments, unmet, workload, excluded, manifest, tables.get(SURPLUS_FILE))
    own |= {*tables, PLAN_MARK}
    digests = {path: Source(path, files[path]).sha256 for path in own - {PLAN_MARK}}
    others = (path for path in files if path not in own and not path.startswith(CALENDARS))
    # Names that begin with a dot are the operating system's.
    strays = tuple(path for path in others if not path.split("/")[-1].startswith("."))
    return SavedPlan(plan, digests, copies, tables.get(EQUITY_FILE), plan_format, strays)


def _read_table(source: Source, columns: tuple[str, ...], manifest: Mapping[str, Any]) -> pd.DataFrame:
    """Read a table of a plan: its columns, and after them any that this version does not know."""
    try:
        sheet = read_sheet(source)
        if sheet.problems:
            raise DataError(sheet.problems)
    except DataError as error:
        if source.sha256 == manifest["outputs"].get(source.name):
            raise
        message, fix = f"{source.name} was changed after the plan was written.", "Restore it, or make the plan again."
        raise DataError([Problem(source.name, None, "", "", message, fix), *error.problems]) from error
    if tuple(name for name in sheet.header if name in columns) != columns:
        message = "The columns are not those of a plan."
        raise DataError([Problem(source.name, 1, "", "", message, f"Expected are: {', '.join(columns)}.")])
    cells = dict(zip(sheet.header, sheet.columns, strict=True))
    return pd.DataFrame({name: cells[name] for name in dict.fromkeys([*columns, *sheet.header])}, dtype="object")


def _read_manifest(source: Source) -> tuple[int, dict[str, Any]]:
    """Read the format of a plan and its manifest."""
    try:
        manifest = json.loads(source.content)
    except (ValueError, RecursionError) as error:
        message = f"This is not JSON that can be read ({error})."
        raise DataError([Problem(source.name, None, "", "", message, _MAKE_AGAIN)]) from error
    plan_format = manifest.get("format", 1) if isinstance(manifest, dict) else 1
    if not isinstance(plan_format, int) or isinstance(plan_format, bool) or plan_format < 1:
        message = "The format of a plan is a whole number from 1 on."
        raise DataError([Problem(source.name, None, "format", str(plan_format), message, _MAKE_AGAIN)])
    if plan_format > PLAN_FORMAT:
        known = joined(map(str, range(1, PLAN_FORMAT + 1)))
        message = f"This plan has format {plan_format}, and this version reads formats {known}."
        fix = "Install a newer version of school-support-matching."
        raise DataError([Problem(source.name, None, "format", str(plan_format), message, fix)])
    model = _Manifest if plan_format == 1 else _Manifest2
    try:
        model.model_validate_json(source.content)
    except ValidationError as error:
        raise DataError(
            Problem(source.name, None, ".".join(map(str, one["loc"])), "", f"{one['msg']}.", _MAKE_AGAIN)
            for one in error.errors()
        ) from error
    return plan_format, dict(manifest)
