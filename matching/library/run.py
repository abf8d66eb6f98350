"""The main path: tables to inputs, inputs to the best plan, and a plan to its directory and back."""

import copy
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from matching.allocation import allocate as allocate_best
from matching.errors import DataError, file_problem, shown
from matching.inputs import read
from matching.inputs.headers import Mappings, ReadingOptions, options_source, table_options
from matching.inputs.inputs import Inputs
from matching.inputs.recognise import with_columns_named
from matching.library.frames import Given, numeric, sources_of
from matching.pairs.market import Market, open_market
from matching.plan import write
from matching.plan.as_bytes import plan_files
from matching.plan.directories import write_directory
from matching.plan.equity import equity
from matching.plan.on_disk import read_directory_files, read_files, saved_inputs
from matching.tables.policy import Policy, policy_toml


@dataclass(frozen=True, eq=False, repr=False)
class Plan:
    """One allocation, with the inputs that it was made from.

    Its tables are made when they are asked for: what a caller does to one changes neither the plan nor its files.

    Attributes
    ----------
    inputs : Inputs
        The tables of its run.
    written : matching.plan.write.Plan
        The plan as text, exactly as its files have it.
    """

    inputs: Inputs
    written: write.Plan
    _files: Mapping[str, bytes] | None = field(default=None)

    @property
    def deployments(self) -> pd.DataFrame:
        """The columns of plan.csv, one row for each need that is met, by need_id."""
        return numeric(self.written.deployments)

    @property
    def unmet(self) -> pd.DataFrame:
        """The columns of unmet.csv, one row for each need that is not met, by need_id."""
        return numeric(self.written.unmet)

    @property
    def workload(self) -> pd.DataFrame:
        """The columns of workload.csv, one row for each supporter who can be deployed; blanks are nan."""
        return numeric(self.written.workload)

    @property
    def excluded(self) -> pd.DataFrame:
        """The columns of excluded.csv, one row for each supporter who cannot be deployed."""
        return numeric(self.written.excluded)

    @property
    def equity(self) -> pd.DataFrame:
        """The columns of equity.csv: coverage, mean score and mean distance of each group of needs."""
        return numeric(equity(self.written, self.inputs))

    @property
    def objective(self) -> pd.DataFrame:
        """level, value and bound of each level of the objective; equal value and bound prove it."""
        return pd.DataFrame(self.manifest["objective"])[["level", "value", "bound"]]

    @property
    def is_optimal(self) -> bool:
        """Whether it is proved that no plan is better."""
        return bool(self.manifest["status"] == "optimal")

    @property
    def score(self) -> float:
        """The sum of the scores of all deployments."""
        return round(float(self.deployments["score"].sum()), 3)

    @property
    def kept_bonus(self) -> float:
        """What the objective's last level counts for deployments that an earlier plan had: no part of the score."""
        return round(float(self.objective["value"].iloc[-1]) - self.score, 3)

    @property
    def notices(self) -> tuple[str, ...]:
        """What a reader should know about the plan and its inputs."""
        return tuple(self.manifest["notices"])

    @property
    def manifest(self) -> Mapping[str, Any]:
        """Versions, digests of the inputs, policy, counts, status, proof and objective, as in manifest.json."""
        return copy.deepcopy(dict(self.written.manifest))

    def save(self, directory: str | os.PathLike[str]) -> None:
        """Write the plan to a directory, whole or not at all, as `s2s allocate` writes it.

        Raises
        ------
        DataError
            The directory holds other files, or cannot be written.
        """
        write_directory(Path(directory), self.files)

    @cached_property
    def files(self) -> Mapping[str, bytes]:
        """The bytes of every file of the plan's directory, by path."""
        return plan_files(self.written, self.inputs) if self._files is None else self._files

    @cached_property
    def market(self) -> Market:
        """The verdicts, rules and eligible pairs of its inputs."""
        return open_market(self.inputs)

    def __repr__(self) -> str:
        """Return how many needs are met, and whether that is proved."""
        met, unmet = len(self.written.deployments), len(self.written.unmet)
        return f"<Plan: {met:,} of {met + unmet:,} needs met, {self.manifest['status']}>"


def read_inputs(
    *,
    schools: Given,
    supporters: Given,
    needs: Given,
    accreditation: Given | None = None,
    decisions: Given | None = None,
    policy: Policy | Given | None = None,
    baseline: Plan | Given | None = None,
    ofsted: Given | None = None,
    links: Given | None = None,
    columns: Mappings | None = None,
    leave_out: bool = False,
    as_at: date | None = None,
) -> Inputs:
    """Read and check the tables of a run.

    Parameters
    ----------
    schools, supporters, needs : path, bytes or DataFrame
        The tables of README.md; the schools may be a GIAS extract. In a DataFrame numbers may be numbers, a missing
        value is a blank cell, and a cell of several values is a list.
    accreditation, decisions : path, bytes or DataFrame, optional
    policy : Policy, path or bytes, optional
        Weights, limits and rules; the defaults unless given.
    baseline : Plan, path of a plan's directory, or DataFrame, optional
        An earlier plan, of which as much as possible is kept; of a DataFrame, need_id and supporter_id count.
    ofsted, links : path, bytes or DataFrame, optional
        Official files that add to a GIAS extract.
    columns : mapping, optional
        By table: your header to our column for it, or to "" where it is not used.
    leave_out : bool
        Whether faulty rows are left out, with a notice, and do not stop the run.
    as_at : date, optional
        The day on which evidence and dates are judged; by default today.

    Raises
    ------
    DataError
        With every problem of every table; a row of a DataFrame is named by its label in the index.
    """
    given = {
        "schools": schools,
        "supporters": supporters,
        "needs": needs,
        "accreditation": accreditation,
        "decisions": decisions,
        "policy": policy_toml(policy) if isinstance(policy, Policy) else policy,
        "baseline": _baseline(baseline),
        "ofsted": ofsted,
        "links": links,
    }
    sources = sources_of(given)
    if columns or leave_out:
        tables = {name: table_options(pairs) for name, pairs in (columns or {}).items()}
        sources["columns"] = options_source(ReadingOptions(tables, leave_out))
    return read.read_inputs(with_columns_named(sources), as_at=day_of(as_at)).with_sound_contacts()


def day_of(as_at: date | None) -> date | None:
    """Return a day without its time.

    Raises
    ------
    DataError
        It is no date.
    """
    if as_at is None or isinstance(as_at, date):
        return as_at.date() if isinstance(as_at, datetime) else as_at
    fix = "Give a date, such as datetime.date(2026, 9, 1)."
    raise DataError([file_problem("as_at", f"{shown(str(as_at))} is not a date.", fix)])


def allocate(inputs: Inputs, *, time_limit_s: float = 60.0) -> Plan:
    """Make the best plan for these inputs.

    Parameters
    ----------
    time_limit_s : float
        Longest search, in seconds, where days, packages or limits on schools bind.
    """
    return Plan(inputs, allocate_best(inputs, time_limit_s=time_limit_s))


def open_plan(directory: str | os.PathLike[str]) -> Plan:
    """Read a plan back from its directory, with the inputs that it was made from.

    Raises
    ------
    DataError
        The directory is no plan, or a file of it cannot be read.
    """
    files = read_directory_files(Path(directory))
    saved = read_files(files)
    if not saved.sources:
        fix = "Read the tables with read_inputs, and make the plan again."
        raise DataError(
            [file_problem(str(directory), "This plan does not hold the inputs that it was made from.", fix)]
        )
    return Plan(saved_inputs(saved), saved.plan, files)


def _baseline(given: Plan | Given | None) -> Given | None:
    if isinstance(given, Plan):
        return given.files["plan.csv"]
    if isinstance(given, (str, os.PathLike)) and Path(given).is_dir():
        return Path(given) / "plan.csv"
    return given
