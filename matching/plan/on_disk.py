"""A plan's directory on disk: written whole or not at all, and read back."""

import ctypes
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError

from matching.errors import DataError, Problem
from matching.inputs.read import SOURCES
from matching.plan.as_bytes import EQUITY_FILE, SURPLUS_FILE
from matching.plan.equity import EQUITY_COLUMNS
from matching.plan.write import EXCLUDED_COLUMNS, PLAN_COLUMNS, SURPLUS_COLUMNS, UNMET_COLUMNS, WORKLOAD_COLUMNS, Plan
from matching.tables.files import Source, open_source, read_sheet

PLAN_MARK = "manifest.json"

_TABLES = {
    "plan.csv": PLAN_COLUMNS,
    "unmet.csv": UNMET_COLUMNS,
    "workload.csv": WORKLOAD_COLUMNS,
    "excluded.csv": EXCLUDED_COLUMNS,
}
# Plans of earlier versions do not have them.
_LATER_TABLES = {EQUITY_FILE: EQUITY_COLUMNS, SURPLUS_FILE: SURPLUS_COLUMNS}


class _InputFile(BaseModel):
    file: str
    sha256: str
    rows: int | None


class _Proof(BaseModel):
    method: str
    bonus: FiniteFloat


class _Level(BaseModel):
    level: str
    value: FiniteFloat
    bound: FiniteFloat


class _Manifest(BaseModel):
    """What a manifest has to hold for a plan to be read back; whether it is true is the business of `verify`."""

    model_config = ConfigDict(strict=True)

    as_at: Annotated[date, Field(strict=False)]
    inputs: dict[str, _InputFile]
    policy: dict[str, Any]
    counts: dict[str, int]
    notices: list[str]
    status: str
    proof: _Proof
    objective: Annotated[list[_Level], Field(min_length=4, max_length=4)]
    outputs: dict[str, str]


@dataclass(frozen=True)
class SavedPlan:
    """A plan as it was saved.

    Attributes
    ----------
    plan : Plan
    sha256 : mapping of str to str
        The digests of its files.
    sources : mapping of str to Source
        Its copies of the inputs.
    equity : DataFrame or None
        The table of equity.csv; None in a plan of a version that did not write it.
    """

    plan: Plan
    sha256: Mapping[str, str]
    sources: Mapping[str, Source]
    equity: pd.DataFrame | None = None


def write_directory(target: Path, files: Mapping[str, bytes], *, mark: str = PLAN_MARK) -> None:
    """Put files in a directory so that anyone who looks sees the old ones or the new ones, never some of each.

    Parameters
    ----------
    target : Path
    files : mapping of str to bytes
        By their paths in the directory; `mark` is one of them.
    mark : str
        The file that tells a directory that may be replaced from one that holds somebody's own files.

    Raises
    ------
    DataError
        The target holds other files, or cannot be written.
    """
    target = target.absolute()
    check_target(target, mark=mark)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    except OSError as error:
        raise _cannot_write(target, error) from error
    try:
        for name, content in files.items():
            _write_durably(fresh / name, content)
        fresh.chmod(0o755)
        _swap(fresh, target)
    except OSError as error:
        raise _cannot_write(target, error) from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def check_target(target: Path, *, mark: str = PLAN_MARK) -> None:
    """Refuse a directory that holds files and not `mark` among them, before any work is done.

    Raises
    ------
    DataError
    """
    what, earlier = ("a plan", "with a plan") if mark == PLAN_MARK else ("the tables", "made by this command")
    if target.is_dir() and any(target.iterdir()) and not (target / mark).is_file():
        message = f"The directory holds other files, and {what} would replace them."
        raise DataError([Problem(str(target), None, "", "", message, f"Name a new directory, or one {earlier}.")])
    if target.exists() and not target.is_dir():
        raise DataError([Problem(str(target), None, "", "", "This is a file.", f"Name a directory for {what}.")])


def read_directory(directory: Path) -> SavedPlan:
    """Read a plan back, with its copies of the inputs.

    Raises
    ------
    DataError
        The directory is no plan, or a file of it cannot be read.
    """
    if not (directory / PLAN_MARK).is_file():
        message, fix = "There is no plan here: manifest.json is missing.", "Name a directory that 'allocate' has made."
        raise DataError([Problem(str(directory), None, "", "", message, fix)])
    names = [*_TABLES, PLAN_MARK, *(name for name in _LATER_TABLES if (directory / name).is_file())]
    sources = {name: open_source(directory / name) for name in names}
    copies = {
        f"inputs/{path.name}": open_source(path)
        for path in (directory / "inputs").glob("*")
        if path.name.split(".")[0] in SOURCES
    }
    return read_files({name: source.content for name, source in (sources | copies).items()})


def read_files(files: Mapping[str, bytes]) -> SavedPlan:
    """Read a plan back from its files' bytes, by their paths in its directory.

    Raises
    ------
    DataError
        A file cannot be read.
    """
    columns_of = _TABLES | {name: columns for name, columns in _LATER_TABLES.items() if name in files}
    names = [*columns_of, PLAN_MARK]
    sources = {name: Source(name, files[name]) for name in names}
    manifest = _read_manifest(sources[PLAN_MARK])
    tables = {name: _read_table(sources[name], columns, manifest) for name, columns in columns_of.items()}
    copies = {path.split("/")[1].split(".")[0]: path for path in sorted(files) if path.startswith("inputs/")}
    named = {
        name: Source(manifest["inputs"].get(name, {}).get("file", path), files[path]) for name, path in copies.items()
    }
    deployments, unmet, workload, excluded = (tables[name] for name in _TABLES)
    plan = Plan(deployments, unmet, workload, excluded, manifest, tables.get(SURPLUS_FILE))
    digests = {name: source.sha256 for name, source in sources.items()}
    return SavedPlan(plan, digests, named, tables.get(EQUITY_FILE))


def _read_table(source: Source, columns: tuple[str, ...], manifest: Mapping[str, Any]) -> pd.DataFrame:
    try:
        sheet = read_sheet(source)
        if sheet.problems:
            raise DataError(sheet.problems)
    except DataError as error:
        if source.sha256 == manifest["outputs"].get(source.name):
            raise
        message, fix = f"{source.name} was changed after the plan was written.", "Restore it, or make the plan again."
        raise DataError([Problem(source.name, None, "", "", message, fix), *error.problems]) from error
    if sheet.header != columns:
        message = "The columns are not those of a plan."
        raise DataError([Problem(source.name, 1, "", "", message, f"Expected are: {', '.join(columns)}.")])
    return pd.DataFrame(dict(zip(columns, sheet.columns, strict=True)), dtype="object")


def _read_manifest(source: Source) -> dict[str, Any]:
    fix = "Make the plan again with 'allocate'."
    try:
        manifest = json.loads(source.content)
    except ValueError as error:
        message = f"This is not JSON that can be read ({error})."
        raise DataError([Problem(source.name, None, "", "", message, fix)]) from error
    try:
        _Manifest.model_validate_json(source.content)
    except ValidationError as error:
        raise DataError(
            Problem(source.name, None, ".".join(map(str, one["loc"])), "", f"{one['msg']}.", fix)
            for one in error.errors()
        ) from error
    return dict(manifest)


def write_file(path: Path, content: bytes) -> None:
    """Write one file so that anyone who looks sees the old content or the new one.

    Raises
    ------
    OSError
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        _write_durably(fresh, content)
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)


def _write_durably(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _swap(fresh: Path, target: Path) -> None:
    """Make `fresh` the target in one step; what was there before ends up at `fresh`."""
    if not target.exists():
        fresh.rename(target)
        return
    if _exchange(fresh, target):
        return
    # Without an atomic exchange two renames have to do; the old plan is put back if the second fails.
    aside = fresh.with_name(fresh.name + ".old")
    target.rename(aside)
    try:
        fresh.rename(target)
    except BaseException:
        aside.rename(target)
        raise
    shutil.rmtree(aside, ignore_errors=True)


def _exchange(one: Path, other: Path) -> bool:
    """Exchange two directories atomically, where the operating system can."""
    calls = {"linux": ("renameat2", -100, 2), "darwin": ("renameatx_np", -2, 2)}
    if sys.platform not in calls:
        return False
    name, here, swap = calls[sys.platform]
    call = getattr(ctypes.CDLL(None, use_errno=True), name, None)
    return call is not None and call(here, os.fsencode(one), here, os.fsencode(other), swap) == 0


def _cannot_write(target: Path, error: OSError) -> DataError:
    message = f"The plan cannot be written here ({(error.strerror or 'no reason given').lower()})."
    return DataError([Problem(str(target), None, "", "", message, "Check the path, the free space and your rights.")])
