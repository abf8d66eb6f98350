"""A plan's directory on disk: written whole or not at all, and read back."""

import ctypes
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from matching.errors import DataError, Problem
from matching.files import Source, open_source, read_sheet
from matching.plan import EXCLUDED_COLUMNS, PLAN_COLUMNS, UNMET_COLUMNS, WORKLOAD_COLUMNS, Plan

_TABLES = {
    "plan.csv": PLAN_COLUMNS,
    "unmet.csv": UNMET_COLUMNS,
    "workload.csv": WORKLOAD_COLUMNS,
    "excluded.csv": EXCLUDED_COLUMNS,
}
_MANIFEST_KEYS = ("as_at", "inputs", "policy", "counts", "notices", "status", "proof", "objective", "outputs")


@dataclass(frozen=True)
class SavedPlan:
    """A plan as it was saved: its tables, the digests of its files, and its copies of the inputs."""

    plan: Plan
    sha256: Mapping[str, str]
    sources: Mapping[str, Source]


def write_directory(target: Path, files: Mapping[str, bytes]) -> None:
    """Put files in a directory so that anyone who looks sees the old ones or the new ones, never some of each.

    Raises
    ------
    DataError
        The target holds something else than a plan, or cannot be written.
    """
    target = target.absolute()
    check_target(target)
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


def check_target(target: Path) -> None:
    """Refuse a place that holds something else than a plan, before any work is done.

    Raises
    ------
    DataError
    """
    if target.is_dir() and any(target.iterdir()) and not (target / "manifest.json").is_file():
        message = "The directory holds other files, and a plan would replace them."
        raise DataError([Problem(str(target), None, "", "", message, "Name a new directory, or one with a plan.")])
    if target.exists() and not target.is_dir():
        raise DataError([Problem(str(target), None, "", "", "This is a file.", "Name a directory for the plan.")])


def read_directory(directory: Path) -> SavedPlan:
    """Read a plan back, with its copies of the inputs.

    Raises
    ------
    DataError
        The directory is no plan, or a file of it cannot be read.
    """
    if not (directory / "manifest.json").is_file():
        message, fix = "There is no plan here: manifest.json is missing.", "Name a directory that 'allocate' has made."
        raise DataError([Problem(str(directory), None, "", "", message, fix)])
    sources = {name: open_source(directory / name) for name in (*_TABLES, "manifest.json")}
    copies = {f"inputs/{path.name}": open_source(path) for path in (directory / "inputs").glob("*")}
    return read_files({name: source.content for name, source in (sources | copies).items()})


def read_files(files: Mapping[str, bytes]) -> SavedPlan:
    """Read a plan back from its files' bytes, by their paths in its directory.

    Raises
    ------
    DataError
        A file cannot be read.
    """
    sources = {name: Source(name, files[name]) for name in (*_TABLES, "manifest.json")}
    tables = {name: _read_table(sources[name], columns) for name, columns in _TABLES.items()}
    manifest = _read_manifest(sources["manifest.json"])
    copies = {path.split("/")[1].split(".")[0]: path for path in sorted(files) if path.startswith("inputs/")}
    named = {
        name: Source(manifest["inputs"].get(name, {}).get("file", path), files[path]) for name, path in copies.items()
    }
    plan = Plan(tables["plan.csv"], tables["unmet.csv"], tables["workload.csv"], tables["excluded.csv"], manifest)
    return SavedPlan(plan, {name: source.sha256 for name, source in sources.items()}, named)


def _read_table(source: Source, columns: tuple[str, ...]) -> pd.DataFrame:
    sheet = read_sheet(source)
    if sheet.problems:
        raise DataError(sheet.problems)
    if sheet.header != columns:
        message = "The columns are not those of a plan."
        raise DataError([Problem(source.name, 1, "", "", message, f"Expected are: {', '.join(columns)}.")])
    return pd.DataFrame([cells for _, cells in sheet.rows], columns=list(columns), dtype="object")


def _read_manifest(source: Source) -> dict[str, Any]:
    fix = "Make the plan again with 'allocate'."
    try:
        manifest = json.loads(source.content)
    except ValueError as error:
        message = f"This is not JSON that can be read ({error})."
        raise DataError([Problem(source.name, None, "", "", message, fix)]) from error
    missing = [key for key in _MANIFEST_KEYS if not isinstance(manifest, dict) or key not in manifest]
    if missing:
        message = f"The manifest lacks {', '.join(missing)}."
        raise DataError([Problem(source.name, None, missing[0], "", message, fix)])
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
