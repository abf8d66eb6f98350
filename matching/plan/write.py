"""A plan: deployments, unmet needs, workload and exclusions, with the policy, digests and proof they came from.

Every cell is text, exactly as it is written: the screens, the files and the check of a plan all see the same.
"""

import math
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from matching import __version__
from matching.pairs.market import Market
from matching.pairs.side_constraints import hopeless
from matching.plan.outcome import Outcome
from matching.plan.reasons import Reasons, decision_notices, excluded_reasons, reasons_of
from matching.solve.problem import LEVELS, UNMET, Assignment
from matching.tables.csv_out import FORMULA_STARTS, number_text, spreadsheet_safe
from matching.tables.formats import RULE_CODES
from matching.tables.grid import rounded_km

PLAN_FORMAT = 4
"""The format of a plan as this version writes it; any change of a column, a key or a rule raises it."""

PLAN_COLUMNS = (
    "need_id",
    "school_urn",
    "school_name",
    "local_authority",
    "phase",
    "focus",
    "priority",
    "days",
    "supporter_id",
    "supporter_name",
    "designation",
    "home_school_urn",
    "home_school_name",
    "distance_km",
    "score",
    "specialism_fit",
    "phase_fit",
    "distance_fit",
    "origin",
    "reason",
    "status",
    "rules_broken",
)
UNMET_COLUMNS = (
    "need_id",
    "school_urn",
    "school_name",
    "focus",
    "priority",
    "days",
    "reason_code",
    "reason",
    "nearest_option",
)
WORKLOAD_COLUMNS = (
    "supporter_id",
    "supporter_name",
    "designation",
    "deployments",
    "max_deployments",
    "days_used",
    "days_available",
    "price",
)
EXCLUDED_COLUMNS = ("supporter_id", "supporter_name", "designation", "reason_code", "reason")
SURPLUS_COLUMNS = ("need_id", "surplus")
PROOF_BY_PRICES, PROOF_BY_SEARCH, PROOF_BY_LOADS = "prices", "prices and search", "loads"
"""How a plan is proved: by prices alone; also by a search, where days or side constraints bind; or, where days bind for
few people and no need goes unmet because of them, by a value for each need and the best load of each person."""

Manifest = Mapping[str, Any]


@dataclass(frozen=True)
class Plan:
    """One allocation.

    Attributes
    ----------
    deployments : DataFrame
        `PLAN_COLUMNS`, by need_id.
    unmet : DataFrame
        `UNMET_COLUMNS`, by need_id.
    workload : DataFrame
        `WORKLOAD_COLUMNS`, by supporter_id; `price` in score points, blank where days or side constraints bind.
    excluded : DataFrame
        `EXCLUDED_COLUMNS`, by supporter_id.
    manifest : mapping
        Versions, input digests, policy, counts, notices, status and objective.
    surplus : DataFrame, optional
        `SURPLUS_COLUMNS`, by need_id: the value of meeting each need beyond the price of its supporter, in score
        points. Blank for pins, and where days or side constraints bind unless the method is `loads` (then with as many
        decimals as the proof takes). With the prices it proves the plan. None in a plan of a version without it.

    Columns that this version does not know, of a plan that was read back, follow its own and are kept.
    """

    deployments: pd.DataFrame
    unmet: pd.DataFrame
    workload: pd.DataFrame
    excluded: pd.DataFrame
    manifest: Manifest
    surplus: pd.DataFrame | None = None

    def tables(self) -> dict[str, pd.DataFrame]:
        """The tables for people, by the names of their files."""
        return {
            "plan.csv": self.deployments,
            "unmet.csv": self.unmet,
            "workload.csv": self.workload,
            "excluded.csv": self.excluded,
        }


def make_plan(market: Market, outcome: Outcome, assignment: Assignment) -> Plan:
    """Return the plan of an outcome, with the reason for every row.

    Parameters
    ----------
    outcome : Outcome
        Pins included.
    assignment : Assignment
        The solver's result: its prices, levels and bounds hold for the whole plan, pins included.
    """
    reasons = reasons_of(market, outcome, proved=assignment.status == "optimal")
    deployments = _deployments(market, outcome, reasons)
    unmet = _unmet(market, reasons)
    excluded = _excluded(market)
    manifest = _manifest(market, outcome, assignment, reasons)
    workload = _workload(market, outcome, assignment)
    return Plan(deployments, unmet, workload, excluded, manifest, _surplus(market, outcome, assignment))


def in_points(values: Sequence[int]) -> list[float]:
    """Return the levels' numbers, the last one turned from thousandths into score points."""
    *counts, score = values
    return [*counts, score / 1000]


def _text(cells: Mapping[str, list[str]], columns: Sequence[str]) -> pd.DataFrame:
    return pd.DataFrame({name: _all_safe(cells[name]) for name in columns}, dtype="object")


def _all_safe(cells: list[str]) -> list[str]:
    # Hardly any column has a cell that starts so: the set of first characters settles it for all of them.
    starts = {cell[:1] for cell in cells}
    return cells if starts.isdisjoint(FORMULA_STARTS) else [spreadsheet_safe(cell) for cell in cells]


def _numbers(values: Sequence[float] | np.ndarray | pd.Series, decimals: int | None = None) -> list[str]:
    # As a list, because single numbers of an array are slow to write.
    plain = np.asarray(values, dtype=float).tolist()
    return [number_text(value, 2) if decimals is None else f"{value:.{decimals}f}" for value in plain]


# Our columns of a person, by those of the supporters table.
_PERSON = {"supporter_id": "supporter_id", "supporter_name": "name", "designation": "designation"}


def _taken(frame: pd.DataFrame, rows: np.ndarray, **columns: str) -> dict[str, list[str]]:
    """Return the cells of some rows under the plan's names for the columns."""
    return {ours: frame[theirs].to_numpy()[rows].tolist() for ours, theirs in columns.items()}


def _need_columns(market: Market, need: np.ndarray) -> dict[str, list[str]]:
    needs, schools, at = market.inputs.needs, market.inputs.schools, market.rulebook.need_school[need]
    return {
        **_taken(needs, need, need_id="need_id", school_urn="school_urn", focus="focus", priority="priority"),
        **_taken(schools, at, school_name="name", local_authority="local_authority", phase="phase"),
        "days": _numbers(needs["days"].to_numpy()[need]),
    }


def _deployments(market: Market, outcome: Outcome, reasons: Reasons) -> pd.DataFrame:
    need = np.flatnonzero(outcome.supporter_of != UNMET)
    supporter = outcome.supporter_of[need]
    home = market.rulebook.home_school[supporter]
    fits = market.rulebook.fits(need, supporter)
    cells = {
        **_need_columns(market, need),
        **_taken(market.inputs.supporters, supporter, **_PERSON),
        **_taken(market.inputs.schools, home, home_school_urn="urn", home_school_name="name"),
        "distance_km": _numbers(rounded_km(fits.distance_km), 2),
        "score": _numbers(fits.score_milli / 1000, 3),
        "specialism_fit": _numbers(fits.specialism, 3),
        "phase_fit": _numbers(fits.phase, 3),
        "distance_fit": _numbers(fits.distance, 3),
        "origin": outcome.origin[need].tolist(),
        "reason": [reasons.deployed[one] for one in need.tolist()],
        "status": ["proposed"] * len(need),
        "rules_broken": _rules_broken(market, outcome, need),
    }
    return _text(cells, PLAN_COLUMNS)


def _rules_broken(market: Market, outcome: Outcome, needs: np.ndarray) -> list[str]:
    """Return, for each of these met needs, the codes of the rules that its pin breaks, separated by ';'."""
    flags = market.rulebook.broken_by_pins()
    codes = [code for code in RULE_CODES if code in flags]
    of_pin = {
        one: ";".join(code for code in codes if flags[code][place])
        for place, one in enumerate(market.rulebook.pins[0].tolist())
        if outcome.origin[one] == "pinned"
    }
    return [of_pin.get(one, "") for one in needs.tolist()]


def _unmet(market: Market, reasons: Reasons) -> pd.DataFrame:
    unmet = reasons.unmet
    why = {name: unmet[name].tolist() for name in ("reason_code", "reason", "nearest_option")}
    return _text({**_need_columns(market, unmet["need"].to_numpy(dtype=np.intp)), **why}, UNMET_COLUMNS)


def _workload(market: Market, outcome: Outcome, assignment: Assignment) -> pd.DataFrame:
    deployments, days = outcome.used(market)
    shown = np.flatnonzero(market.rulebook.available | (deployments > 0))
    people = market.inputs.supporters
    price = (assignment.price_milli[shown] / 1000).tolist()
    cells = {
        **_taken(people, shown, **_PERSON),
        "deployments": [str(one) for one in deployments[shown].tolist()],
        "max_deployments": [str(one) for one in people["max_deployments"].to_numpy()[shown].tolist()],
        "days_used": _numbers(days[shown] / 100),
        "days_available": _numbers(people["days_available"].to_numpy()[shown]),
        "price": ["" if math.isnan(one) else f"{one:.3f}" for one in price],
    }
    return _text(cells, WORKLOAD_COLUMNS)


def _excluded(market: Market) -> pd.DataFrame:
    reasons = excluded_reasons(market)
    rows = reasons["supporter"].to_numpy(dtype=np.intp)
    why = {name: reasons[name].tolist() for name in ("reason_code", "reason")}
    return _text({**_taken(market.inputs.supporters, rows, **_PERSON), **why}, EXCLUDED_COLUMNS)


def _surplus(market: Market, outcome: Outcome, assignment: Assignment) -> pd.DataFrame:
    surplus = assignment.surplus_milli
    if surplus is None:
        surplus = _surplus_of_prices(market, outcome, assignment)
    surplus = surplus.copy()
    surplus[market.rulebook.pins[0]] = np.nan
    cells = {
        "need_id": market.inputs.needs["need_id"].tolist(),
        "surplus": ["" if math.isnan(one) else _exactly(one) for one in surplus.tolist()],
    }
    return _text(cells, SURPLUS_COLUMNS)


def _exactly(milli: float) -> str:
    """Return thousandths as score points, with three decimals or as many more as it takes."""
    whole = f"{milli / 1000:.9f}"
    return whole[:-6] + whole[-6:].rstrip("0")


def _surplus_of_prices(market: Market, outcome: Outcome, assignment: Assignment) -> NDArray[np.float64]:
    """Return the surplus of each need in thousandths; not a number where days or side constraints bind."""
    rulebook, price = market.rulebook, assignment.price_milli
    need = np.flatnonzero((outcome.supporter_of != UNMET) & (outcome.origin != "pinned"))
    supporter = outcome.supporter_of[need]
    value = assignment.bonus_milli * (3 - rulebook.priority_level[need]) + rulebook.fits(need, supporter).score_milli
    value[outcome.origin[need] == "kept"] += market.inputs.policy.rerun.change_cost_milli
    surplus = np.zeros(len(outcome.supporter_of))
    surplus[need] = value - price[supporter]
    if np.isnan(price).any():
        for _, pairs in market.blocks():
            surplus[pairs.need[np.isnan(price[pairs.supporter])]] = np.nan
        if rulebook.has_packages:
            surplus[hopeless(rulebook, market.eligible_by_need)] = 0
    return surplus


def _manifest(market: Market, outcome: Outcome, assignment: Assignment, reasons: Reasons) -> dict[str, Any]:
    inputs = market.inputs
    met = outcome.supporter_of != UNMET
    return {
        "format": PLAN_FORMAT,
        "versions": _versions(),
        "as_at": inputs.as_at.isoformat(),
        "inputs": {
            name: {"file": file.name, "sha256": file.sha256, "rows": file.rows} for name, file in inputs.files.items()
        },
        "policy": inputs.policy.model_dump(mode="json"),
        "counts": {
            "schools": len(inputs.schools),
            "supporters": len(inputs.supporters),
            "supporters_excluded": int((~market.rulebook.available).sum()),
            "needs": len(inputs.needs),
            "needs_paused": int((inputs.not_open["state"] == "paused").sum()),
            "needs_withdrawn": int((inputs.not_open["state"] == "withdrawn").sum()),
            "eligible_pairs": reasons.eligible_pairs,
            "deployments": int(met.sum()),
            "pinned": int((outcome.origin == "pinned").sum()),
            "kept": int((outcome.origin == "kept").sum()),
            "unmet": int((~met).sum()),
        },
        # By need_id: the state of the needs that are in no table of the plan.
        "not_open": dict(zip(inputs.not_open["need_id"], inputs.not_open["state"], strict=True)),
        "notices": [*inputs.notices, *market.verdicts.notices, *decision_notices(market, outcome)],
        "status": assignment.status,
        "proof": {
            "method": _method(assignment),
            "bonus": assignment.bonus_milli / 1000,
            # A search that was cut short may get further on another machine.
            "cut_short_by": assignment.ended,
        },
        "objective": _objective(market, outcome, assignment),
    }


def _objective(market: Market, outcome: Outcome, assignment: Assignment) -> list[dict[str, Any]]:
    """Return each level with its value and bound; in a rerun the last one also what kept deployments add to both."""
    columns = (LEVELS, in_points(assignment.values), in_points(assignment.bounds))
    levels: list[dict[str, Any]] = [
        {"level": level, "value": value, "bound": bound} for level, value, bound in zip(*columns, strict=True)
    ]
    if market.inputs.baseline is not None:
        need = np.flatnonzero(outcome.supporter_of != UNMET)
        scores_milli = int(market.rulebook.fits(need, outcome.supporter_of[need]).score_milli.sum())
        levels[-1]["kept_bonus"] = (assignment.values[-1] - scores_milli) / 1000
    return levels


def _method(assignment: Assignment) -> str:
    if assignment.surplus_milli is not None:
        return PROOF_BY_LOADS
    has_blanks = assignment.searched or bool(np.isnan(assignment.price_milli).any())
    return PROOF_BY_SEARCH if has_blanks else PROOF_BY_PRICES


def _versions() -> dict[str, str]:
    libraries = ("numpy", "pandas", "scipy")
    return {
        "school-support-matching": __version__,
        "python": platform.python_version(),
        **{name: _version(name) for name in libraries},
    }


# Cached, since it looks into the installed files.
_version = cache(version)
