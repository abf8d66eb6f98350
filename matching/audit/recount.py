"""equity.csv counted again, one need at a time."""

import math
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

import pandas as pd

from matching.audit.facts import has_each_trust_once, is_rounded_once, km_text, plain_name
from matching.inputs.inputs import Inputs
from matching.plan.equity import EQUITY_COLUMNS
from matching.plan.write import Plan
from matching.tables.csv_out import spreadsheet_safe
from matching.tables.formats import PRIORITIES

# Whether a need is met, and with what score and distance.
_Served = tuple[bool, Fraction, Fraction]
_UNMET = (False, Fraction(), Fraction())
_KINDS = ("total", "local authority", "region", "phase", "trust", "FSM quintile", "priority")
_QUINTILES = ("1 (lowest)", "2", "3", "4", "5 (highest)")
_BLANKS = ("not known", "no trust")


def recounted(plan: Plan, inputs: Inputs) -> pd.DataFrame:
    """Return equity.csv as counting the plan's rows gives it; they name the needs of the inputs."""
    order = {"phase": inputs.vocabulary.phases, "FSM quintile": _QUINTILES, "priority": PRIORITIES}
    groups: dict[tuple[str, str], list[_Served]] = defaultdict(list)
    for pairs, row in _needs_by_group(plan, inputs):
        for pair in pairs:
            groups[pair].append(row)

    def place(pair: tuple[str, str]) -> tuple[int, bool, int, str]:
        by, group = pair
        words = order.get(by, ())
        return _KINDS.index(by), group in _BLANKS, words.index(group) if group in words else -1, group

    rows = [(by, group, *_summed(plan, groups[by, group])) for by, group in sorted(groups, key=place)]
    return pd.DataFrame(rows, columns=list(EQUITY_COLUMNS), dtype="object")


def _needs_by_group(plan: Plan, inputs: Inputs) -> Iterator[tuple[list[tuple[str, str]], _Served]]:
    schools = {row["urn"]: row for row in inputs.schools.to_dict("records")}
    percents = sorted(row["fsm_percent"] for row in schools.values() if row["fsm_percent"] >= 0)
    trusts = _trusts(list(schools.values()), plan)
    home_of = dict(zip(inputs.supporters["supporter_id"], inputs.supporters["school_urn"], strict=True))
    asked = {row["need_id"]: row for row in inputs.needs.to_dict("records")}
    for met, table in ((True, plan.deployments), (False, plan.unmet)):
        for need in table.to_dict("records"):
            school = schools[asked[need["need_id"]]["school_urn"]]
            quintile = "not known"
            if school["fsm_percent"] >= 0:
                quintile = _QUINTILES[5 * bisect_left(percents, school["fsm_percent"]) // len(percents)]
            groups = [
                "all needs",
                *(spreadsheet_safe(school[column]) or "not known" for column in ("local_authority", "region", "phase")),
                spreadsheet_safe(trusts[school["urn"]]) or "no trust",
                quintile,
                asked[need["need_id"]]["priority"],
            ]
            served = _UNMET
            if met:
                exact = Fraction(_apart_km(school, schools[home_of[need["supporter_id"]]]))
                served = met, Fraction(need["score"]), exact if is_rounded_once(plan) else Fraction(need["distance_km"])
            yield list(zip(_KINDS, groups, strict=True)), served


def _trusts(schools: Sequence[Mapping[Hashable, Any]], plan: Plan) -> dict[str, str]:
    """Return the trust that each school is counted under, by URN."""
    if not has_each_trust_once(plan):
        return {school["urn"]: school["trust"] for school in schools}
    codes_of: dict[str, set[str]] = defaultdict(set)
    spellings: dict[tuple[str, str], set[str]] = defaultdict(set)
    for school in schools:
        if school["trust_code"]:
            codes_of[plain_name(school["trust"])].add(school["trust_code"])
    groups: dict[str, tuple[str, str]] = {}
    for school in schools:
        name, code = plain_name(school["trust"]), school["trust_code"]
        if name and not code and len(codes_of[name]) == 1:
            (code,) = codes_of[name]
        groups[school["urn"]] = group = (code, "" if code else name)
        spellings[group] |= {school["trust"]} - {""}
    first = {group: min(names, default=f"trust {group[0]}") for group, names in spellings.items() if any(group)}
    uses = Counter(first.values())
    called = {group: name if uses[name] == 1 else f"{name} ({group[0] or 'no code'})" for group, name in first.items()}
    return {urn: called.get(group, "") for urn, group in groups.items()}


def _apart_km(to: Mapping[Hashable, Any], home: Mapping[Hashable, Any]) -> float:
    return math.hypot(to["easting"] - home["easting"], to["northing"] - home["northing"]) / 1000


def _summed(plan: Plan, rows: Sequence[_Served]) -> tuple[str, ...]:
    met = [row for row in rows if row[0]]
    percent = float(round(Fraction(100 * len(met), len(rows)), 1))
    means = ["", ""]
    if met:
        score, km = (Fraction(sum(row[cell] for row in met), len(met)) for cell in (1, 2))
        means = [f"{float(round(score, 3)):.3f}", km_text(float(km if is_rounded_once(plan) else round(km, 2)), plan)]
    return str(len(rows)), str(len(met)), f"{percent:.1f}", *means
