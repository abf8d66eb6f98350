"""The inputs as plain columns for the checks of a plan: who may serve whom, and with what numbers.

It shares no code with the rules and the pair search: it judges pairs by bit masks over whole blocks of needs and
supporters, from the inputs alone, so that a mistake there cannot hide here.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from matching.accreditation import judge
from matching.inputs.inputs import Inputs
from matching.plan.write import Plan

LEVEL_NAMES = ("critical", "high", "normal")
_BLOCK_CELLS = 2_000_000
_GROUPS = ("trust", "trust_code", "federation")


@dataclass(frozen=True)
class Facts:
    """Needs and supporters as plain columns; masks hold one bit a word.

    `away` has, by a day on which a need begins (an ordinal), the supporters who are not available on it.
    """

    need_row: dict[str, int]
    supporter_row: dict[str, int]
    need: pd.DataFrame
    supporter: pd.DataFrame
    barred: set[tuple[int, int]]
    pinned: dict[int, int]
    earlier: set[tuple[int, int]]
    away: dict[int, NDArray[np.intp]]


@dataclass(frozen=True)
class Judged:
    """Pairs as the audit judges them: whether they are eligible, and their numbers."""

    eligible: NDArray[np.bool_]
    km: NDArray[np.float64]
    specialism: NDArray[np.float64]
    phase: NDArray[np.float64]
    distance: NDArray[np.float64]
    milli: NDArray[np.int64]


def facts_of(inputs: Inputs) -> Facts:
    """Return the facts of needs and supporters from the inputs."""
    vocabulary, policy = inputs.vocabulary, inputs.policy
    phases, focuses, codes = list(vocabulary.phases), list(vocabulary.focuses), list(vocabulary.designations)
    bands = vocabulary.phase_bands
    close = {
        phase: [
            other
            for other in phases
            if other != phase
            and bands[phase]
            and bands[other]
            and ({bands[phase], bands[other]} & {"all"} or bands[phase] == bands[other])
        ]
        for phase in phases
    }
    schools = inputs.schools.set_index("urn")[["easting", "northing", "trust", "trust_code", "federation", "phase"]]
    accredited = judge(inputs).accredited
    needs, people = inputs.needs, inputs.supporters
    at, home = schools.loc[needs["school_urn"]], schools.loc[people["school_urn"]]
    need = pd.DataFrame(
        {
            "row": range(len(needs)),
            "urn": needs["school_urn"].astype(int),
            "easting": at["easting"].to_numpy(),
            "northing": at["northing"].to_numpy(),
            **{name: at[name].to_numpy() for name in _GROUPS},
            "phase": _masks(([phase] for phase in at["phase"].tolist()), phases),
            "focus": _masks(([focus] for focus in needs["focus"].tolist()), focuses),
            "related": _masks(
                (policy.related_specialisms.get(focus, ()) for focus in needs["focus"].tolist()), focuses
            ),
            "general": _masks((vocabulary.focuses[focus].fit_designations for focus in needs["focus"].tolist()), codes),
            "accepted": _masks(needs["designations"].tolist(), codes),
            "cents": [round(100 * days) for days in needs["days"].tolist()],
            "level": [LEVEL_NAMES.index(priority) for priority in needs["priority"].tolist()],
            "package": needs["package"].to_numpy(),
            "day": [(inputs.as_at if day is None else day).toordinal() for day in needs["start_by"].tolist()],
        }
    )
    limits = [policy.max_distance_km[code] for code in people["designation"].tolist()]
    supporter = pd.DataFrame(
        {
            "row": range(len(people)),
            "urn": people["school_urn"].astype(int),
            "easting": home["easting"].to_numpy(),
            "northing": home["northing"].to_numpy(),
            **{name: home[name].to_numpy() for name in _GROUPS},
            "phases": _masks(people["phases"].tolist(), phases),
            "close_phases": _masks(([c for p in held for c in close[p]] for held in people["phases"].tolist()), phases),
            "specialisms": _masks(people["specialisms"].tolist(), focuses),
            "designation": _masks(([code] for code in people["designation"].tolist()), codes),
            "limit": np.minimum(limits, people["max_distance_km"]),
            "cents": np.rint(100 * people["days_available"].to_numpy(dtype=float)),
            "places": people["max_deployments"],
            "accredited": accredited,
            "deployable": accredited & (people["max_deployments"] > 0).to_numpy(),
        }
    )
    for name in _GROUPS:
        cells = {*need[name], *supporter[name]}
        spelling = {cell: cell if name == "trust_code" else plain_name(cell) for cell in cells}
        numbers = {plain: number if plain else -1 for number, plain in enumerate(sorted({*spelling.values()}))}
        for frame in (need, supporter):
            frame[name] = [numbers[spelling[cell]] for cell in frame[name]]
    # Columns of no rows have no type of their own.
    need = need.astype(dict.fromkeys(need.columns.drop(["easting", "northing", "package"]), "int64"))
    need_row = {one: row for row, one in enumerate(needs["need_id"].tolist())}
    supporter_row = {one: row for row, one in enumerate(people["supporter_id"].tolist())}
    decided = [
        (kind, need_row[need_id], supporter_row[supporter_id])
        for kind, need_id, supporter_id in inputs.decisions[["kind", "need_id", "supporter_id"]].itertuples(index=False)
        if need_id in need_row
    ]
    barred = {(i, j) for kind, i, j in decided if kind != "pin"}
    conflicts = pd.DataFrame(
        [(row, int(urn)) for row, urns in enumerate(people["conflicts"]) for urn in urns], columns=["supporter", "urn"]
    )
    clashes = conflicts.merge(need[["row", "urn"]], on="urn")
    barred |= set(zip(clashes["row"].tolist(), clashes["supporter"].tolist(), strict=True))
    earlier = set()
    if inputs.baseline is not None:
        earlier = {
            (need_row[i], supporter_row[j])
            for i, j in inputs.baseline[["need_id", "supporter_id"]].itertuples(index=False)
            if i in need_row and j in supporter_row
        }
    pinned = {i: j for kind, i, j in decided if kind == "pin"}
    away = _away_by_day(people, sorted(set(need["day"].tolist())))
    return Facts(need_row, supporter_row, need, supporter, barred, pinned, earlier, away)


def _away_by_day(people: pd.DataFrame, days: Iterable[int]) -> dict[int, NDArray[np.intp]]:
    """Return by day, an ordinal, which supporters are not available on it."""
    begins = np.array([0 if day is None else day.toordinal() for day in people["available_from"]])
    ends = np.array([date.max.toordinal() if day is None else day.toordinal() for day in people["available_until"]])
    ranges = [
        (row, one.first.toordinal(), one.last.toordinal())
        for row, held in enumerate(people["unavailable"])
        for one in held
    ]
    who, first, last = np.array(ranges, dtype=np.intp).reshape(-1, 3).T
    return {
        day: np.union1d(np.flatnonzero((day < begins) | (day > ends)), who[(first <= day) & (day <= last)])
        for day in days
    }


def _masks(cells: Iterable[Iterable[str]], known: list[str]) -> list[int]:
    """Return the words of each cell as bits; equal cells are read once."""
    held = [tuple(words) for words in cells]
    masks = {words: sum(1 << known.index(word) for word in set(words)) for words in set(held)}
    return [masks[words] for words in held]


def packages_of(facts: Facts) -> dict[str, list[int]]:
    """Return the needs of each package that are not pinned."""
    rows = facts.need[(facts.need["package"] != "") & ~facts.need["row"].isin(list(facts.pinned))]
    return {str(package): group["row"].tolist() for package, group in rows.groupby("package")}


def judge_rows(inputs: Inputs, facts: Facts, need: pd.DataFrame, supporter: pd.DataFrame) -> Judged:
    """Judge pairs row by row."""
    left, right = _columns(need), _columns(supporter)
    judged = _judge_columns(inputs, left, right)
    away = {day: set(facts.away[day].tolist()) for day in set(left["day"].tolist())}
    rows = zip(left["row"].tolist(), right["row"].tolist(), left["day"].tolist(), strict=True)
    barred = [(one, other) in facts.barred or other in away[day] for one, other, day in rows]
    return replace(judged, eligible=judged.eligible & ~np.array(barred, dtype=bool))


def blocks(inputs: Inputs, facts: Facts) -> Iterator[tuple[slice, NDArray[np.bool_], NDArray[np.int64]]]:
    """Yield consecutive needs against all supporters: which pairs may be assigned, and their value in thousandths."""
    right = {name: column[np.newaxis, :] for name, column in _columns(facts.supporter).items()}
    height = max(1, _BLOCK_CELLS // max(1, len(facts.supporter)))
    change = round(1000 * inputs.policy.rerun.change_cost)
    barred, earlier = _by_need(facts.barred), _by_need(facts.earlier)
    days = facts.need["day"].tolist()
    # One block without a row where there is no need, so that callers have something to put together.
    for start in range(0, max(len(facts.need), 1), height):
        block = facts.need.iloc[start : start + height]
        left = {name: column[:, np.newaxis] for name, column in _columns(block).items()}
        judged = _judge_columns(inputs, left, right)
        eligible, value = judged.eligible, judged.milli
        for row in range(len(block)):
            eligible[row, barred.get(start + row, [])] = False
            eligible[row, facts.away[days[start + row]]] = False
            value[row, earlier.get(start + row, [])] += change
            if start + row in facts.pinned:
                eligible[row, :] = False
        yield slice(start, start + len(block)), eligible, value


def left_of_pins(facts: Facts) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the places and the hundredths of days that the pins leave each supporter."""
    places = np.where(facts.supporter["deployable"], facts.supporter["places"], 0)
    cents = facts.supporter["cents"].to_numpy().astype(float)
    for need, supporter in facts.pinned.items():
        places[supporter] -= 1
        cents[supporter] -= facts.need["cents"].iat[need]
    return np.maximum(places, 0), np.maximum(cents, 0)


def rules_broken(inputs: Inputs, facts: Facts, need: int, supporter: int) -> list[str]:
    """Return the codes of the rules that a pin breaks: those of the pair, and the limits on schools by all pins."""
    rules, policy = inputs.policy.rules, inputs.policy
    asked, who = facts.need.iloc[need], facts.supporter.iloc[supporter]
    judged = judge_rows(inputs, facts, facts.need.iloc[[need]], facts.supporter.iloc[[supporter]])
    pair = inputs.needs["need_id"].iat[need], inputs.supporters["supporter_id"].iat[supporter]
    decisions = inputs.decisions[["need_id", "supporter_id", "kind"]].itertuples(index=False, name=None)
    kinds = {kind for *about, kind in decisions if tuple(about) == pair}
    urns, homes = facts.need["urn"].tolist(), facts.supporter["urn"].tolist()
    pins = [(urns[one], homes[other], other) for one, other in facts.pinned.items()]
    theirs = [one for one, other in facts.pinned.items() if other == supporter]
    coming = len({other for urn, _, other in pins if urn == urns[need]})
    leaving = sum(home == homes[supporter] for _, home, _ in pins)
    broken = {
        "designation": not asked["accepted"] & who["designation"],
        "accreditation": not who["accredited"],
        "specialism": judged.specialism[0] <= 0,
        "phase": judged.phase[0] <= 0,
        "distance": judged.km[0] > who["limit"],
        "own school": asked["urn"] == who["urn"],
        "same trust": policy.rules.same_trust == "forbid"
        and bool(_in_one_trust(asked, who))
        and asked["urn"] != who["urn"],
        "same federation": policy.rules.same_federation == "forbid"
        and asked["federation"] == who["federation"] >= 0
        and asked["urn"] != who["urn"],
        "conflict": inputs.needs["school_urn"].iat[need] in inputs.supporters["conflicts"].tolist()[supporter],
        "dates": supporter in facts.away[int(asked["day"])],
        "forbidden": "forbid" in kinds,
        "declined": "declined" in kinds,
        "places": len(theirs) > who["places"],
        "days": facts.need["cents"].to_numpy()[theirs].sum() > who["cents"],
        "school limit": rules.max_supporters_per_school is not None and coming > rules.max_supporters_per_school,
        "home school limit": rules.max_per_home_school is not None and leaving > rules.max_per_home_school,
    }
    return [code for code, is_broken in broken.items() if is_broken]


def _in_one_trust(need: Any, supporter: Any) -> Any:
    """Return whether the schools of both are in one trust; a code that only one of them has says nothing."""
    by_name = (need["trust"] == supporter["trust"]) & (need["trust"] >= 0)
    both_coded = (need["trust_code"] >= 0) & (supporter["trust_code"] >= 0)
    return (both_coded & (need["trust_code"] == supporter["trust_code"])) | (~both_coded & by_name)


def plain_name(name: str) -> str:
    """Return what the spellings of a trust's or federation's name share: its words without 'the', 'ltd' and marks."""
    words = re.findall(r"[^\W_]+", re.sub("['’]", "", name.casefold().replace("&", " and ")))
    core = re.sub(r"^the (?=.)| (?:ltd|limited)$", "", " ".join(words))
    return core or name.casefold().strip()


def _by_need(pairs: set[tuple[int, int]]) -> dict[int, list[int]]:
    grouped: dict[int, list[int]] = {}
    for need, supporter in pairs:
        grouped.setdefault(need, []).append(supporter)
    return grouped


def _columns(frame: pd.DataFrame) -> dict[str, np.ndarray]:
    # A column without a row has no type of its own.
    typed = frame if len(frame) else frame.astype("int64")
    return {str(name): typed[name].to_numpy() for name in typed}


def _judge_columns(inputs: Inputs, need: dict[str, np.ndarray], supporter: dict[str, np.ndarray]) -> Judged:
    """Judge pairs of columns that broadcast against each other; decisions and conflicts are left to the caller."""
    policy, weights = inputs.policy, inputs.policy.weights
    km = np.hypot(need["easting"] - supporter["easting"], need["northing"] - supporter["northing"]) / 1000
    holds = ((need["focus"] & supporter["specialisms"]) != 0) & (need["general"] == 0)
    holds |= (need["general"] & supporter["designation"]) != 0
    near_it = (need["related"] & supporter["specialisms"]) != 0
    specialism = np.where(holds, 1.0, np.where(near_it, policy.specialism_fit.related, 0.0))
    near_phase = (need["phase"] & supporter["close_phases"]) != 0
    same_phase = (need["phase"] & supporter["phases"]) != 0
    phase = np.where(same_phase, 1.0, np.where(near_phase, policy.phase_fit.related, 0.0))
    distance = np.maximum(0.0, 1 - km / supporter["limit"])
    points = weights.specialism * specialism + weights.phase * phase + weights.distance * distance
    eligible = (
        ((need["accepted"] & supporter["designation"]) != 0)
        & supporter["deployable"]
        & (specialism > 0)
        & (phase > 0)
        & (km <= supporter["limit"])
        & (need["urn"] != supporter["urn"])
        & (need["cents"] <= supporter["cents"])
    )
    if policy.rules.same_trust == "forbid":
        eligible &= ~_in_one_trust(need, supporter)
    if policy.rules.same_federation == "forbid":
        eligible &= (need["federation"] != supporter["federation"]) | (need["federation"] < 0)
    milli = np.rint(1000 * points / (weights.specialism + weights.phase + weights.distance)).astype(np.int64)
    return Judged(eligible, km, specialism, phase, distance, milli)


def without_pins(facts: Facts) -> str:
    """Return what sets the pairs of a proof apart from all eligible ones: a pin leaves nothing to choose."""
    return " of needs without a pin" if facts.pinned else ""


def is_rounded_once(plan: Plan) -> bool:
    """Return whether the plan rounds every distance once, half up; formats 1 and 2 took means of rounded ones."""
    return _format(plan) > 2


def has_each_trust_once(plan: Plan) -> bool:
    """Return whether equity.csv counts all spellings of a trust as one; formats 1 to 3 went by the letters."""
    return _format(plan) > 3


def _format(plan: Plan) -> int:
    return int(plan.manifest.get("format", 1))


def km_text(km: float, plan: Plan) -> str:
    """Return a distance as the tables of the plan's format give it."""
    if not is_rounded_once(plan):
        return f"{km:.2f}"
    return str(Decimal(f"{km:.11f}").quantize(Decimal("0.01"), ROUND_HALF_UP))
