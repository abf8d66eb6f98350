"""Verify a saved plan: rules, numbers, proof, wording and digests, from the files alone."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd

from matching.audit.check import check_plan
from matching.audit.proof import check_proof
from matching.inputs.read import Inputs
from matching.pairs.market import open_market
from matching.pairs.rules import positions
from matching.plan.equity import EQUITY_COLUMNS
from matching.plan.on_disk import SavedPlan
from matching.plan.outcome import Outcome
from matching.plan.write import PROOF_BY_LOADS, Plan, make_plan
from matching.solve.arrays import Positions
from matching.solve.problem import UNMET, Assignment
from matching.tables.csv_out import spreadsheet_safe
from matching.tables.files import Source
from matching.tables.formats import PRIORITIES


@dataclass(frozen=True)
class Verification:
    """What was found wrong, and what was shown to hold; sentences."""

    faults: tuple[str, ...]
    findings: tuple[str, ...]


def verify(saved: SavedPlan, inputs: Inputs, *, time_limit_s: float = 60.0) -> Verification:
    """Verify a saved plan against its inputs.

    Parameters
    ----------
    saved : SavedPlan
    inputs : Inputs
        Read from the same files, as at the day in the plan's manifest.
    time_limit_s : float
        How long to solve again where days bind, in seconds.
    """
    faults = _digest_faults(saved, inputs) + check_plan(saved.plan, inputs)
    if not faults and saved.equity is not None:
        faults = equity_faults(saved.equity, saved.plan, inputs)
    if faults:
        return Verification(tuple(faults), ())
    faults, findings = check_proof(saved.plan, inputs, time_limit_s=time_limit_s)
    # The sentences are written again from the prices, which a faulty proof says nothing good of.
    faults = faults or _wording_faults(saved.plan, inputs)
    rows = len(saved.plan.deployments)
    return Verification(
        tuple(faults),
        (
            f"Every rule holds for each of the {rows:,} deployments, and every number in the files is right.",
            *findings,
            "Every reason is what the rules and the outcome give.",
        ),
    )


def _digest_faults(saved: SavedPlan, inputs: Inputs) -> list[str]:
    faults = [
        f"{name} was changed after the plan was written: its digest is not the manifest's."
        if name in saved.sha256
        else f"{name} is missing, and the manifest holds its digest."
        for name, digest in saved.plan.manifest["outputs"].items()
        if saved.sha256.get(name) != digest
    ]
    said: Mapping[str, Mapping[str, object]] = saved.plan.manifest["inputs"]
    for name in sorted({*said, *inputs.files}):
        given = inputs.files.get(name)
        if name not in said:
            faults.append(f"The plan was made without a {name} file, and one was given.")
        elif given is None:
            faults.append(f"The plan was made with a {name} file, and none was given.")
        elif given.sha256 != said[name]["sha256"]:
            faults.append(f"The {name} file is not the one that the plan was made from: its digest differs.")
    if saved.plan.manifest["policy"] != inputs.policy.model_dump(mode="json"):
        faults.append("manifest.json: the policy is not the one in the policy file.")
    return faults


def equity_faults(found: pd.DataFrame, plan: Plan, inputs: Inputs) -> list[str]:
    """Every cell of equity.csv that counting the plan's rows again, one need at a time, does not give."""
    order = {"phase": inputs.vocabulary.phases, "FSM quintile": _QUINTILES, "priority": PRIORITIES}
    groups: dict[tuple[str, str], list[_Served]] = defaultdict(list)
    for pairs, row in _needs_by_group(plan, inputs):
        for pair in pairs:
            groups[pair].append(row)

    def place(pair: tuple[str, str]) -> tuple[int, bool, int, str]:
        by, group = pair
        words = order.get(by, ())
        return _KINDS.index(by), group in _BLANKS, words.index(group) if group in words else -1, group

    rows = [(by, group, *_summed(groups[by, group])) for by, group in sorted(groups, key=place)]
    return _cell_faults("equity.csv", found, pd.DataFrame(rows, columns=list(EQUITY_COLUMNS), dtype="object"), keys=2)


_Served = tuple[bool, Decimal, Decimal]
_KINDS = ("total", "local authority", "region", "phase", "trust", "FSM quintile", "priority")
_QUINTILES = ("1 (lowest)", "2", "3", "4", "5 (highest)")
_BLANKS = ("not known", "no trust")


def _needs_by_group(plan: Plan, inputs: Inputs) -> Iterator[tuple[list[tuple[str, str]], _Served]]:
    schools = {row["urn"]: row for row in inputs.schools.to_dict("records")}
    percents = sorted(row["fsm_percent"] for row in schools.values() if row["fsm_percent"] >= 0)
    for met, table in ((True, plan.deployments), (False, plan.unmet)):
        for need in table.to_dict("records"):
            school = schools[need["school_urn"]]
            quintile = "not known"
            if school["fsm_percent"] >= 0:
                quintile = _QUINTILES[5 * bisect_left(percents, school["fsm_percent"]) // len(percents)]
            groups = [
                "all needs",
                *(spreadsheet_safe(school[column]) or "not known" for column in ("local_authority", "region", "phase")),
                spreadsheet_safe(school["trust"]) or "no trust",
                quintile,
                need["priority"],
            ]
            served = (met, Decimal(need["score"]), Decimal(need["distance_km"])) if met else (met, Decimal(), Decimal())
            yield list(zip(_KINDS, groups, strict=True)), served


def _summed(rows: Sequence[_Served]) -> tuple[str, ...]:
    met = [row for row in rows if row[0]]
    percent = float(round(Fraction(100 * len(met), len(rows)), 1))
    means = ["", ""]
    if met:
        means = [
            f"{float(round(Fraction(sum(row[cell] for row in met)) / len(met), decimals)):.{decimals}f}"
            for cell, decimals in ((1, 3), (2, 2))
        ]
    return str(len(rows)), str(len(met)), f"{percent:.1f}", *means


def _wording_faults(plan: Plan, inputs: Inputs) -> list[str]:
    """Every cell that is not what writing the same outcome down again gives."""
    market = open_market(inputs)
    supporter_of = np.full(len(inputs.needs), UNMET, dtype=np.intp)
    origin = np.full(len(inputs.needs), "", dtype=object)
    need = positions(inputs.needs["need_id"], plan.deployments["need_id"])
    supporter_of[need] = positions(inputs.supporters["supporter_id"], plan.deployments["supporter_id"])
    origin[need] = plan.deployments["origin"]
    again = make_plan(market, Outcome(supporter_of, origin), _as_assigned(plan, inputs, supporter_of))
    faults = []
    for (name, found), expected in zip(plan.tables().items(), again.tables().values(), strict=True):
        faults += _cell_faults(name, found, expected)
    if plan.surplus is not None and again.surplus is not None:
        faults += _cell_faults("surplus.csv", plan.surplus, again.surplus)
    for key in ("counts", "notices"):
        if plan.manifest[key] != again.manifest[key]:
            faults.append(f"manifest.json: {key} do not follow from the inputs and the plan.")
    return faults


def _as_assigned(plan: Plan, inputs: Inputs, supporter_of: Positions) -> Assignment:
    """What the plan says was solved; `check` has judged it by now."""
    price = np.zeros(len(inputs.supporters))
    row = positions(inputs.supporters["supporter_id"], plan.workload["supporter_id"])
    price[row] = [1000 * float(text) if text else np.nan for text in plan.workload["price"]]
    levels = pd.DataFrame(plan.manifest["objective"])[["value", "bound"]].to_numpy() * [[1], [1], [1], [1000]]
    values, bounds = np.rint(levels).astype(int).T.tolist()
    bonus_milli = round(1000 * plan.manifest["proof"]["bonus"])
    surplus = None
    if plan.surplus is not None and plan.manifest["proof"]["method"] == PROOF_BY_LOADS:
        surplus = np.array([1000 * float(text) if text else np.nan for text in plan.surplus["surplus"]])
    searched = bool(np.isnan(price).any())
    return Assignment(supporter_of, price, tuple(values), tuple(bounds), bonus_milli, searched, surplus)


def _cell_faults(name: str, found: pd.DataFrame, expected: pd.DataFrame, *, keys: int = 1) -> list[str]:
    """Every cell that differs; the first `keys` columns tell the row."""
    if found.shape != expected.shape:
        return [f"{name} has {len(found)} rows, and {len(expected)} were expected."]
    written, right = found.to_numpy(), expected.to_numpy()
    return [
        f"{name} {', '.join(written[row, :keys])}: {found.columns[column]} is '{written[row, column]}', and "
        f"'{right[row, column]}' was expected."
        for row, column in np.argwhere(written != right).tolist()
    ]


def sources_for(saved: SavedPlan, given: Mapping[str, Source]) -> Mapping[str, Source]:
    """The files to verify against: those given, or the plan's own copies where none was.

    A file that was only renamed since is the same input, so it goes by the name that the plan's notices know it by.
    """
    known: Mapping[str, Mapping[str, str]] = saved.plan.manifest["inputs"]
    return {
        name: replace(source, name=known[name]["file"])
        if name in known and known[name]["sha256"] == source.sha256
        else source
        for name, source in (given or saved.sources).items()
    }
