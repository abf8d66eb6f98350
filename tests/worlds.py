"""Made-up inputs for tests, and oracles that judge and solve them one pair at a time from their text alone.

Nothing here uses the rooms under test but to hand them a world (`World.inputs`). The rules are written down again from
the contract, in plain Python, so that a mistake in the code cannot hide behind the same mistake here.
"""

import csv
import io
import itertools
import json
import math
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from functools import cache, wraps

import numpy as np
import scipy.sparse as sp
from depth import DEEP
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp

from matching.allocation import allocate
from matching.inputs.inputs import Inputs
from matching.inputs.read import read_inputs
from matching.plan.write import Plan
from matching.tables.files import Source

AS_AT = date(2026, 1, 5)
LEVELS = ("critical", "high", "normal")
LOW = ("Nursery", "Primary", "Middle deemed primary")
HIGH = ("Middle deemed secondary", "Secondary", "16 plus")
PHASES = (*LOW, *HIGH, "All-through", "Special", "Alternative provision")
GENERAL = {"headship": ("LLE", "NLE"), "whole-school improvement": ("NLE",)}
SPECIALISMS = ("maths", "phonics", "English", "science", "attendance")
FOCUSES = (*GENERAL, *SPECIALISMS)
CRITERIA = {"NLE": 8, "LLE": 11, "SLE": 8}
BY_GRADE = {"NLE-5": ("Outstanding",), "LLE-2": ("Good", "Outstanding"), "LLE-8": ("Good", "Outstanding")}
DEFAULT_POLICY: Mapping[str, Mapping[str, object]] = {
    "weights": {"specialism": 0.5, "phase": 0.2, "distance": 0.3},
    "max_distance_km": {"NLE": 80, "LLE": 40, "SLE": 40},
    "rules": {"same_trust": "forbid", "same_federation": "forbid"},
    "specialism_fit": {"related": 0.5},
    "related_specialisms": {},
    "phase_fit": {"related": 0.5},
    "rerun": {"change_cost": 0.1},
}
_LIMITS = ("max_supporters_per_school", "max_per_home_school")
COLUMNS = {
    "schools": "urn name phase easting northing local_authority region trust trust_code federation postcode "
    "ofsted pupils fsm_percent",
    "supporters": "supporter_id name designation school_urn phases specialisms max_deployments days_available "
    "max_distance_km alliance conflicts available_from available_until unavailable",
    "needs": "need_id school_urn focus designations days priority package notes requested_on start_by state",
    "accreditation": "supporter_id criterion met evidence checked_on",
    "decisions": "kind supporter_id need_id school_urn reason by on rules_broken",
    "baseline": "need_id supporter_id",
}
Row = dict[str, str]


def once_per_world(function: Callable) -> Callable:
    """Keep the answers for the latest worlds, by what their tables hold: many tests look at one world in turn."""
    answers: dict[tuple, object] = {}

    @wraps(function)
    def answer(made: "World", *places: object, **options: object) -> object:
        key = (repr(made), places, *options.items())
        if key not in answers:
            if len(answers) >= MOST_WORLDS_KEPT:
                del answers[next(iter(answers))]
            answers[key] = function(made, *places, **options)
        return answers[key]

    return answer


MOST_WORLDS_KEPT = 100


@dataclass(frozen=True)
class World:
    """The tables of a run as rows of text, and its policy."""

    schools: tuple[Row, ...]
    supporters: tuple[Row, ...]
    needs: tuple[Row, ...]
    decisions: tuple[Row, ...] = ()
    accreditation: tuple[Row, ...] | None = None
    baseline: tuple[Row, ...] | None = None
    policy: Mapping[str, Mapping[str, object]] = field(default_factory=lambda: DEFAULT_POLICY)

    def sources(self, shuffled: int | None = None) -> dict[str, Source]:
        """The files; with a seed, every table's rows in another order."""
        found = {}
        for name in COLUMNS:
            rows = getattr(self, name)
            if rows is None or (name == "decisions" and not rows):
                continue
            rows = list(rows)
            if shuffled is not None:
                random.Random(f"{shuffled}{name}").shuffle(rows)
            found[name] = table(name, rows)
        found["policy"] = Source("policy.toml", toml(self.policy).encode())
        return found

    @once_per_world
    def inputs(self, shuffled: int | None = None) -> Inputs:
        return read_inputs(self.sources(shuffled), as_at=AS_AT)

    def plan(self, **options) -> Plan:
        return allocate(self.inputs(), **options)

    def row(self, name: str, identifier: str) -> Row:
        return next(row for row in getattr(self, name) if next(iter(row.values())) == identifier)

    def changed(self, name: str, identifier: str, **cells: str) -> "World":
        """Another world, in which one row of one table has other cells."""
        rows = tuple(row | cells if next(iter(row.values())) == identifier else row for row in getattr(self, name))
        return replace(self, **{name: rows})


def cell_km(km: float) -> str:
    """A distance as a cell or a sentence gives it: half up, whatever the last bits of the float are."""
    return str(Decimal(f"{km:.11f}").quantize(Decimal("0.01"), ROUND_HALF_UP))


def table(name: str, rows: list[Row]) -> Source:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS[name].split(), restval="", lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writeheader()
    writer.writerows(rows)
    return Source(f"{name}.csv", text.getvalue().encode())


def toml(policy: Mapping[str, Mapping[str, object]]) -> str:
    lines = []
    for section, values in policy.items():
        lines.append(f"[{section}]")
        lines += [f"{json.dumps(key)} = {json.dumps(value)}" for key, value in values.items()]
    return "\n".join(lines) + "\n"


def with_policy(**sections: Mapping[str, object]) -> dict[str, Mapping[str, object]]:
    """The default policy with some sections replaced."""
    return {**DEFAULT_POLICY, **sections}


# ---- tiny named instances ------------------------------------------------------------------------------------------


def school(number: int, east_km: float = 0, north_km: float = 0, **cells: str) -> Row:
    """School number 1 has URN 100001; places are km from a corner of the Midlands."""
    return {
        "urn": f"{100000 + number}",
        "name": f"School {number}",
        "phase": "Primary",
        "easting": f"{400000 + round(1000 * east_km)}",
        "northing": f"{300000 + round(1000 * north_km)}",
        "local_authority": "North",
        **cells,
    }


def person(identifier: str, at: int, **cells: str) -> Row:
    """An SLE of maths for primary schools, of school number `at`."""
    return {
        "supporter_id": identifier,
        "name": f"Person {identifier}",
        "designation": "SLE",
        "school_urn": f"{100000 + at}",
        "phases": "Primary",
        "specialisms": "maths",
        **cells,
    }


def need(identifier: str, at: int, **cells: str) -> Row:
    """A need of maths at school number `at`."""
    return {"need_id": identifier, "school_urn": f"{100000 + at}", "focus": "maths", **cells}


def decision(kind: str, supporter_id: str, need_id: str = "", **cells: str) -> Row:
    return {"kind": kind, "supporter_id": supporter_id, "need_id": need_id, **cells}


def world(schools: list[Row], supporters: list[Row], needs: list[Row], **others) -> World:
    return World(tuple(schools), tuple(supporters), tuple(needs), **others)


# ---- random worlds -------------------------------------------------------------------------------------------------


def random_world(
    seed: int,
    *,
    n_schools: int = 12,
    n_supporters: int = 6,
    n_needs: int = 10,
    days: bool = True,
    pins: int = 2,
    baseline: bool = False,
    accreditation: bool = False,
    dates: bool = False,
    decisions: int = 3,
    places: tuple[str, ...] = ("", "1", "2", "3", "0"),
    ties: bool = False,
    groups: bool = True,
) -> World:
    """Valid tables with every rule in play; with `dates` also days, states of needs, and pins that name rules.

    A row depends on the seed and its number alone, so that fewer rows are the first ones. Places lie on a grid of 4 km,
    so that distances are often equal, 0, or exactly a limit. Without `groups` there are no federations, and each trust has
    one spelling and no code.
    """
    schools = tuple(_random_school(random.Random(f"{seed} school {k}"), k) for k in range(n_schools))
    if groups:
        schools = tuple(
            row | _random_groups(random.Random(f"{seed} groups {k}"), row["trust"]) for k, row in enumerate(schools)
        )
    urns = [row["urn"] for row in schools]
    supporters = tuple(
        _random_person(random.Random(f"{seed} person {k}"), k, urns, days, places) for k in range(n_supporters)
    )
    needs = tuple(_random_need(random.Random(f"{seed} need {k}"), k, urns, days) for k in range(n_needs))
    if dates:
        supporters = tuple(
            row | _random_absence(random.Random(f"{seed} absence {k}")) for k, row in enumerate(supporters)
        )
        needs = tuple(row | _random_start(random.Random(f"{seed} start {k}")) for k, row in enumerate(needs))
    other = random.Random(f"{seed} policy")
    policy = with_policy(
        weights={
            "specialism": other.choice([0.5, 0.2, 1]),
            "phase": other.choice([0.2, 0.4]),
            "distance": other.choice([0.3, 1, 0]),
        },
        max_distance_km={"NLE": other.choice([80, 24]), "LLE": other.choice([20, 40]), "SLE": other.choice([20, 40])},
        rules={
            "same_trust": other.choice(["forbid", "allow"]),
            "same_federation": random.Random(f"{seed} federations").choice(["forbid", "allow"]),
        },
        specialism_fit={"related": other.choice([0.5, 0.25])},
        related_specialisms=other.choice([{}, {"maths": ["science"], "phonics": ["English", "maths"]}]),
        phase_fit={"related": other.choice([0.5, 0.75])},
        rerun={"change_cost": other.choice([0.1, 0.25])},
    )
    if ties:
        tied = random.Random(f"{seed} ties")
        needs = _packaged(tied, needs)
        limits = {name: tied.choice([None, 1, 2]) for name in ("max_supporters_per_school", "max_per_home_school")}
        given = {name: limit for name, limit in limits.items() if limit is not None}
        policy = {**policy, "rules": {**policy["rules"], **given}}
    plain = World(schools, supporters, needs, policy=policy)
    barred = [_random_bar(random.Random(f"{seed} bar {k}"), plain) for k in range(decisions)]
    with_bars = replace(plain, decisions=tuple(barred))
    pinned = _random_pins(random.Random(f"{seed} pins"), with_bars, pins, may_name_rules=dates)
    return replace(
        plain,
        decisions=(*barred, *pinned),
        accreditation=_random_evidence(random.Random(f"{seed} evidence"), supporters) if accreditation else None,
        baseline=_random_baseline(random.Random(f"{seed} baseline"), plain) if baseline else None,
    )


def worlds(largest: tuple[int, int, int] = (8, 5, 6), **options) -> st.SearchStrategy[World]:
    """Random worlds of at most so many schools, supporters and needs; `options` as in `random_world`, or strategies."""
    sizes = {
        name: st.integers(1, most) for name, most in zip(("n_schools", "n_supporters", "n_needs"), largest, strict=True)
    }
    drawn = {
        "days": st.booleans(),
        "pins": st.integers(0, 2),
        "baseline": st.booleans(),
        "accreditation": st.booleans(),
        "dates": st.booleans(),
    }
    drawn |= {key: value if isinstance(value, st.SearchStrategy) else st.just(value) for key, value in options.items()}
    return st.builds(random_world, st.integers(0, 10_000), **(sizes | drawn))


def _random_school(r: random.Random, number: int) -> Row:
    return school(
        number,
        4 * r.randrange(11),
        4 * r.randrange(11),
        phase=r.choice(PHASES) if r.random() < 0.4 else "Primary",
        local_authority=r.choice(["North", "South", ""]),
        trust=r.choice(["", "", "", "Trust A", "Trust B"]),
        ofsted=r.choice(["Good", "Outstanding", "", "Requires improvement"]),
    )


def _random_groups(r: random.Random, trust: str) -> Row:
    """A trust in one of its spellings, its code in GIAS or none, and a federation or none."""
    spellings = [name for name, group in SPELLINGS.items() if trust and group == SPELLINGS[trust]]
    return {
        "trust": r.choice([trust, trust, *spellings]),
        "trust_code": r.choice(["", "", "17", "18"]) if trust else "",
        "federation": r.choice([*[""] * 8, "Federation C", "The Federation C."]),
    }


def _random_person(r: random.Random, number: int, urns: list[str], days: bool, places: tuple[str, ...]) -> Row:
    phases = {r.choice(PHASES), "Primary"} if r.random() < 0.7 else {r.choice(PHASES)}
    row = {
        "supporter_id": f"S{number:02d}",
        "name": r.choice([f"Person {number}", f"=1+{number}", f"+44 {number}", f"@x{number}", f'O’Brien, "{number}"']),
        "designation": r.choice(["NLE", "LLE", "SLE", "SLE"]),
        "school_urn": r.choice(urns),
        "phases": ";".join(sorted(phases)),
        "specialisms": ";".join(sorted({r.choice(SPECIALISMS) for _ in range(3)})),
        "max_deployments": r.choice(places),
        "days_available": r.choice(["", "2.3", "5", "7.5", "10"]) if days else "",
        "max_distance_km": r.choice(["", "", "20", "28.5"]),
        "conflicts": ";".join(sorted({r.choice(urns), "999999"})) if r.random() < 0.3 else "",
    }
    return row


def _random_need(r: random.Random, number: int, urns: list[str], days: bool) -> Row:
    return {
        "need_id": f"N{number:02d}",
        "school_urn": r.choice(urns),
        "focus": r.choice(FOCUSES),
        "designations": r.choice(["", "", "LLE;SLE;NLE", "SLE;NLE"]),
        "days": r.choice(["", "0.5", "2.3", "2", "5", "8"]) if days else "",
        "priority": r.choice(["", "normal", "high", "critical"]),
    }


DAYS = ("2026-01-05", "2026-01-09", "2026-01-19", "2026-02-02")


def _random_absence(r: random.Random) -> Row:
    """When a supporter is not available; the days on which needs begin are often its first or last."""
    if r.random() < 0.7:
        return {}
    ranges = [f"{first}/{last}" for first, last in itertools.combinations(sorted([*DAYS, "2026-01-20"]), 2)]
    return {
        "available_from": r.choice(["", "", "2026-01-05", "2026-01-06"]),
        "available_until": r.choice(["", "", "2026-01-19", "2026-02-01"]),
        "unavailable": ";".join(r.sample(["2026-01-05/2026-01-05", *ranges], r.choice([0, 1, 1, 2]))),
    }


def _random_start(r: random.Random) -> Row:
    start_by = r.choice(["", "", *DAYS])
    return {
        "requested_on": r.choice(["", "2025-12-24"]),
        "start_by": start_by,
        "state": r.choice([*[""] * 10, "open", "open", "Open", "paused", "withdrawn"]),
    }


def _packaged(r: random.Random, needs: tuple[Row, ...]) -> tuple[Row, ...]:
    """The needs with packages among those of one school, which now have more of them."""
    few = [row["school_urn"] for row in needs[:3]]
    moved = [row | {"school_urn": r.choice(few)} if r.random() < 0.6 else row for row in needs]
    return tuple(
        row | {"package": f"Team {row['school_urn']}{r.choice('ab')}"} if r.random() < 0.5 else row for row in moved
    )


def _random_bar(r: random.Random, made: World) -> Row:
    kind, supporter_id = r.choice(["forbid", "declined"]), r.choice(made.supporters)["supporter_id"]
    asked = r.choice(made.needs)
    reason = r.choice(["", "too close", "line one\nline two"])
    if r.random() < 0.6:
        return decision(kind, supporter_id, asked["need_id"], reason=reason, by="A Panel")
    return decision(kind, supporter_id, school_urn=asked["school_urn"], reason=reason)


def _random_pins(r: random.Random, made: World, count: int, *, may_name_rules: bool) -> list[Row]:
    """Pins that can stand together, or that name the rules because of which they could not."""
    pins: dict[str, str] = {}
    rows = []
    for _ in range(count):
        asked, who = r.choice(made.needs), r.choice(made.supporters)
        pair = asked["need_id"], who["supporter_id"]
        trial = pins | {asked["need_id"]: who["supporter_id"]}
        held = [made.row("needs", one) for one, other in trial.items() if other == who["supporter_id"]]
        against = {
            "forbidden": pair in _decided(made, ("forbid",)),
            "declined": pair in _decided(made, ("declined",)),
            "places": len(held) > _places(who),
            "days": sum(map(_days, held)) > _offer(who),
        }
        named = ";".join(rule for rule, is_broken in against.items() if is_broken)
        if asked["need_id"] not in pins and (not named or (may_name_rules and r.random() < 0.5)):
            pins = trial
            about = {"reason": r.choice(["", "asked for"]), "by": "A Head", "rules_broken": named}
            rows.append(decision("pin", who["supporter_id"], asked["need_id"], **about))
    return rows


def _random_evidence(r: random.Random, supporters: tuple[Row, ...]) -> tuple[Row, ...]:
    rows = []
    for who in supporters:
        weak = r.randrange(40)
        for number in range(1, CRITERIA[who["designation"]] + 1):
            met = r.choice(["no", ""]) if number == weak else "yes"
            rows.append(
                {
                    "supporter_id": who["supporter_id"],
                    "criterion": f"{who['designation']}-{number}",
                    "met": met,
                    "checked_on": r.choice(["2025-06-01", "2020-06-01", ""]),
                }
            )
    return tuple(rows)


def _random_baseline(r: random.Random, made: World) -> tuple[Row, ...]:
    who = [row["supporter_id"] for row in made.supporters] + ["gone"]
    rows = [{"need_id": row["need_id"], "supporter_id": r.choice(who)} for row in made.needs if r.random() < 0.6]
    return (*rows, {"need_id": "gone", "supporter_id": who[0]})


@dataclass(frozen=True)
class Solved:
    """A random world with its inputs and the plan made of them."""

    made: World
    inputs: Inputs
    plan: Plan

    @property
    def serving(self) -> dict[str, str]:
        return served(self.plan)


@cache
def solved(number: int) -> Solved:
    """A random world of the gallery, allocated once for all tests; small enough to try everything."""
    made = random_world(
        number,
        n_schools=8,
        n_supporters=5,
        n_needs=7,
        days=number % 4 != 0,
        pins=number % 3,
        baseline=number % 2 == 0,
        accreditation=number % 5 == 0,
        dates=True,
    )
    inputs = made.inputs()
    return Solved(made, inputs, allocate(inputs))


@cache
def solved_wide(number: int) -> Solved:
    """A larger random world, whose needs compete, allocated once for all tests."""
    made = random_world(
        1000 + number,
        n_schools=30,
        n_supporters=22,
        n_needs=60,
        days=number % 3 != 0,
        pins=4 * (number % 2),
        baseline=number % 4 == 1,
        accreditation=number % 5 == 4,
        dates=True,
        decisions=8,
    )
    inputs = made.inputs()
    return Solved(made, inputs, allocate(inputs))


GALLERY = range(36 if DEEP else 12)
WIDE = range(8)


# ---- the oracle: one pair at a time --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Fact:
    """What the contract says of one pair."""

    broken: frozenset[str]
    km: float
    limit_km: float
    specialism: float
    phase: float
    distance: float
    milli: int


@once_per_world
def facts(made: World) -> dict[tuple[str, str], Fact]:
    """Every (need, supporter), eligible or not; of needs that are open or pinned."""
    at = {row["urn"]: row for row in made.schools}
    barred = {kind: _decided(made, (kind,)) for kind in ("forbid", "declined")}
    fit_to_serve = {row["supporter_id"]: _accredited(made, row) for row in made.supporters}
    found = {}
    for asked in counting(made):
        to = at[asked["school_urn"]]
        for who in made.supporters:
            pair = asked["need_id"], who["supporter_id"]
            home = at[who["school_urn"]]
            km = (
                math.hypot(
                    float(to["easting"]) - float(home["easting"]), float(to["northing"]) - float(home["northing"])
                )
                / 1000
            )
            own_limit = float(who.get("max_distance_km") or "inf")
            limit = min(float(made.policy["max_distance_km"][who["designation"]]), own_limit)
            specialism, phase = _specialism_fit(made, asked, who), _phase_fit(made, who, to["phase"])
            distance = max(0.0, 1 - km / limit)
            accepted = asked.get("designations") or ";".join(GENERAL.get(asked["focus"], ("SLE",)))
            same_trust = _is_one_trust(to, home) and to is not home
            federation = SPELLINGS.get(to.get("federation", ""), "")
            same_federation = federation and federation == SPELLINGS.get(home.get("federation", ""), "")
            rules = {
                "designation": who["designation"] not in accepted.split(";"),
                "accreditation": not fit_to_serve[who["supporter_id"]],
                "places": _places(who) < 1,
                "specialism": specialism == 0,
                "phase": phase == 0,
                "distance": km > limit,
                "own school": to is home,
                "same trust": same_trust and made.policy["rules"]["same_trust"] == "forbid",
                "same federation": bool(same_federation)
                and to is not home
                and made.policy["rules"]["same_federation"] == "forbid",
                "conflict": to["urn"] in who.get("conflicts", "").split(";"),
                "dates": _is_away(asked, who),
                "forbidden": pair in barred["forbid"],
                "declined": pair in barred["declined"],
                "days": _days(asked) > _offer(who),
            }
            w = {key: float(value) for key, value in made.policy["weights"].items()}
            points = w["specialism"] * specialism + w["phase"] * phase + w["distance"] * distance
            milli = round(1000 * points / (w["specialism"] + w["phase"] + w["distance"]))
            broken = frozenset(rule for rule, is_broken in rules.items() if is_broken)
            found[pair] = Fact(broken, km, limit, specialism, phase, distance, milli)
    return found


SPELLINGS = {
    **dict.fromkeys(("Trust A", "TRUST A", "The Trust-A Ltd"), "a"),
    **dict.fromkeys(("Trust B", "trust b, limited"), "b"),
    **dict.fromkeys(("Federation C", "The Federation C."), "c"),
    "T": "t",
}
"""The trusts and federations of random worlds, by each way in which they are spelt."""


def _is_one_trust(one: Row, other: Row) -> bool:
    codes = one.get("trust_code", ""), other.get("trust_code", "")
    if all(codes):
        return codes[0] == codes[1]
    names = [SPELLINGS.get(row.get("trust", ""), "") for row in (one, other)]
    return bool(names[0]) and names[0] == names[1]


def trusts_counted(schools: list[Row]) -> dict[str, str]:
    """The trust under which equity.csv counts each school, by URN; blank for none."""
    kin: dict[str, set[str]] = {}
    for row in schools:
        code, name = row.get("trust_code", ""), SPELLINGS.get(row["trust"], row["trust"])
        others = {one.get("trust_code", "") for one in schools if name == SPELLINGS.get(one["trust"], one["trust"])}
        only = max(others) if name and len(others - {""}) == 1 else ""
        kin.setdefault(f"{code or only}" or f"no code {name}" * bool(name), set()).add(row["urn"])
    kin.pop("", None)
    first = {
        group: min((row["trust"] for row in schools if row["urn"] in urns and row["trust"]), default=f"trust {group}")
        for group, urns in kin.items()
    }
    called = {
        group: name if [*first.values()].count(name) == 1 else f"{name} ({'no code' if ' ' in group else group})"
        for group, name in first.items()
    }
    return {row["urn"]: "" for row in schools} | {urn: called[group] for group, urns in kin.items() for urn in urns}


def eligible(made: World) -> dict[tuple[str, str], Fact]:
    return {pair: fact for pair, fact in facts(made).items() if not fact.broken}


def counting(made: World) -> list[Row]:
    """The needs that are open or pinned: those that are in a plan."""
    pins = pins_of(made)
    return [row for row in made.needs if (row.get("state") or "open").lower() == "open" or row["need_id"] in pins]


def _is_away(asked: Row, who: Row) -> bool:
    """Whether a supporter is not available on the day of a need. ISO dates are in the order of their text."""
    day = asked.get("start_by") or AS_AT.isoformat()
    ranges = [one.split("/") for one in who.get("unavailable", "").split(";") if one]
    late = bool(who.get("available_until")) and day > who["available_until"]
    return day < who.get("available_from", "") or late or any(first <= day <= last for first, last in ranges)


def pins_of(made: World) -> dict[str, str]:
    return dict(_decided(made, ("pin",)))


def earlier_of(made: World) -> set[tuple[str, str]]:
    return {(row["need_id"], row["supporter_id"]) for row in made.baseline or ()}


def values_of(made: World) -> dict[tuple[str, str], int]:
    """What each pair that may be adds to the last level, in thousandths, the change cost included; pins included."""
    change = round(1000 * float(made.policy["rerun"]["change_cost"]))
    pins, earlier = pins_of(made), earlier_of(made)
    return {
        (one, who): fact.milli + change * ((one, who) in earlier)
        for (one, who), fact in facts(made).items()
        if (pins[one] == who if one in pins else not fact.broken)
    }


def brute_force(made: World) -> list[int]:
    """The best value of each level in turn, by trying everything."""
    values, pins = values_of(made), pins_of(made)
    who = [row["supporter_id"] for row in made.supporters]
    per_school, per_home = (made.policy["rules"].get(name, math.inf) for name in _LIMITS)
    # Pins are kept whatever else: settle them first, so that nothing else takes their places.
    needs = sorted(counting(made), key=lambda row: row["need_id"] not in pins)
    used = _held(made, pins)
    free_places = {
        row["supporter_id"]: max(0, _places(row) - len(used[row["supporter_id"]])) for row in made.supporters
    }
    free_days = {
        row["supporter_id"]: max(0, _offer(row) - sum(map(_days, used[row["supporter_id"]]))) for row in made.supporters
    }

    @cache
    def best(number: int, so_far: frozenset[tuple[int, int]]) -> tuple[int, ...]:
        """The best of the needs from this number on, where some (need, supporter) stand."""
        if number == len(needs):
            return (0, 0, 0, 0)
        asked = needs[number]
        pinned, package = asked["need_id"] in pins, asked.get("package")
        others = [k for k in range(number) if needs[k]["need_id"] not in pins and needs[k].get("package") == package]
        met = {k for k, _ in so_far}
        must = bool(package) and not pinned and bool(others) and others[0] in met
        may = not (bool(package) and not pinned and bool(others)) or must
        answers = [] if pinned or must else [best(number + 1, so_far)]
        for supporter, person_ in enumerate(made.supporters):
            value = values.get((asked["need_id"], person_["supporter_id"]))
            if value is None or not may:
                continue
            held = [needs[k] for k, other in so_far if other == supporter and needs[k]["need_id"] not in pins]
            full = len(held) >= free_places[who[supporter]]
            # Pins are kept whatever they take.
            if not pinned and (full or sum(map(_days, held)) + _days(asked) > free_days[who[supporter]]):
                continue
            here = {who[other] for k, other in so_far if needs[k]["school_urn"] == asked["school_urn"]}
            if not pinned and len(here | {who[supporter]}) > max(per_school, len(here)):
                continue
            home = person_["school_urn"]
            leaving = sum(made.supporters[other]["school_urn"] == home for _, other in so_far)
            if not pinned and leaving >= per_home:
                continue
            rest = best(number + 1, so_far | {(number, supporter)})
            if rest is not None:
                gain = [0, 0, 0, value]
                gain[_level(asked)] += 1
                answers.append(tuple(a + b for a, b in zip(rest, gain, strict=True)))
        return max((answer for answer in answers if answer is not None), default=None)

    return list(best(0, frozenset()))


@once_per_world
def by_milp(made: World) -> list[int]:
    """The best value of each level in turn, by a small programme for each."""
    values = values_of(made)
    pins = pins_of(made)
    if not values:
        return [0, 0, 0, 0]
    needs, held = counting(made), _held(made, pins)
    need_row = {row["need_id"]: k for k, row in enumerate(needs)}
    person_row = {row["supporter_id"]: k for k, row in enumerate(made.supporters)}
    i = np.array([need_row[one] for one, _ in values])
    j = np.array([person_row[who] for _, who in values])
    columns = np.arange(len(values))
    asked = np.array([float(100 * _days(row)) for row in needs])
    # Pins are kept whatever they take; then there is nothing left for others.
    places = [float(max(_places(row), len(held[row["supporter_id"]]))) for row in made.supporters]
    by_pins = [sum(map(_days, held[row["supporter_id"]])) for row in made.supporters]
    offered = np.array(
        [min(float(100 * max(_offer(row), used)), 1e8) for row, used in zip(made.supporters, by_pins, strict=True)]
    )

    def one(rows, height, cells):
        return sp.csr_array((cells, (rows, columns)), shape=(height, len(columns)))

    ones = np.ones(len(columns))
    rules = [
        LinearConstraint(one(i, len(need_row), ones), [float(n in pins) for n in need_row], 1),
        LinearConstraint(one(j, len(person_row), ones), -np.inf, places),
        LinearConstraint(one(j, len(person_row), asked[i]), -np.inf, offered),
    ]
    rules += _tie_rows(made, list(values))
    level = np.array([_level(row) for row in needs])[i]
    best = []
    # Without presolve, which in SciPy 1.17 leads to a wrong answer in round 789 of `test_search`; it is needed where a
    # programme would take very long.
    plain = {"mip_rel_gap": 0, "presolve": False, "time_limit": 30}
    for worth in (level == 0, level == 1, level == 2, np.array(list(values.values()))):
        worth = np.asarray(worth, dtype=float)
        for options in (plain, {"mip_rel_gap": 0}):
            answer = milp(-worth, constraints=rules, integrality=ones, bounds=Bounds(0, 1), options=options)
            if answer.success:
                break
        best.append(round(-answer.fun))
        rules.append(LinearConstraint(sp.csr_array(worth[np.newaxis, :]), best[-1], np.inf))
    return best


def _held(made: World, serving: Mapping[str, str]) -> dict[str, list[Row]]:
    """The needs of each supporter."""
    held: dict[str, list[Row]] = {row["supporter_id"]: [] for row in made.supporters}
    for one, who in serving.items():
        held[who].append(made.row("needs", one))
    return held


def _tie_rows(made: World, pairs: list[tuple[str, str]]) -> list[LinearConstraint]:
    """Packages and limits on schools, one plain row at a time; a pair's column is its place in the list.

    A supporter comes to a school with two of its needs where both are theirs: the row of every choice of too many
    people, one need each, forbids what is too much.
    """
    pins, needs = pins_of(made), {row["need_id"]: row for row in counting(made)}
    home = {row["supporter_id"]: row["school_urn"] for row in made.supporters}
    per_school, per_home = (made.policy["rules"].get(name) for name in _LIMITS)
    rows: list[LinearConstraint] = []

    def row(cells: Mapping[int, float], least: float, most: float) -> None:
        line = np.zeros((1, len(pairs)))
        for column, cell in cells.items():
            line[0, column] = cell
        rows.append(LinearConstraint(line, least, most))

    packages: dict[str, list[str]] = {}
    for one, asked in needs.items():
        if asked.get("package") and one not in pins:
            packages.setdefault(asked["package"], []).append(one)
    for first, *others in packages.values():
        for other in others:
            cells = {k: 1.0 for k, (one, _) in enumerate(pairs) if one == first}
            row(cells | {k: -1.0 for k, (one, _) in enumerate(pairs) if one == other}, 0, 0)
    if per_home is not None:
        for urn in set(home.values()):
            used = sum(home[who] == urn for who in pins.values())
            free = {k: 1.0 for k, (one, who) in enumerate(pairs) if home[who] == urn and one not in pins}
            row(free, -np.inf, max(0, per_home - used))
    if per_school is not None:
        for urn in {asked["school_urn"] for asked in needs.values()}:
            here = {who for one, who in pins.items() if needs[one]["school_urn"] == urn}
            columns: dict[str, list[int]] = {}
            for k, (one, who) in enumerate(pairs):
                if needs[one]["school_urn"] == urn and one not in pins and who not in here:
                    columns.setdefault(who, []).append(k)
            left = max(0, per_school - len(here))
            for people in itertools.combinations(sorted(columns), left + 1):
                for chosen in itertools.product(*(columns[who] for who in people)):
                    row(dict.fromkeys(chosen, 1.0), -np.inf, left)
    return rows


# ---- what a plan says ----------------------------------------------------------------------------------------------


def said(plan: Plan) -> list[int]:
    """The levels' values as the manifest has them, the last in thousandths."""
    *counts, score = (level["value"] for level in plan.manifest["objective"])
    return [*counts, round(1000 * score)]


def bounds_said(plan: Plan) -> list[int]:
    *counts, score = (level["bound"] for level in plan.manifest["objective"])
    return [*counts, round(1000 * score)]


def served(plan: Plan) -> dict[str, str]:
    return dict(zip(plan.deployments["need_id"], plan.deployments["supporter_id"], strict=True))


def levels_of(made: World, serving: Mapping[str, str]) -> list[int]:
    """The levels' values of an outcome, counted here."""
    values = values_of(made)
    found = [0, 0, 0, sum(values[pair] for pair in serving.items())]
    for one in serving:
        found[_level(made.row("needs", one))] += 1
    return found


def faults_of(made: World, serving: Mapping[str, str]) -> Iterator[str]:
    """Every rule and limit that an outcome breaks."""
    values = values_of(made)
    for pair in serving.items():
        if pair not in values:
            yield f"{pair} may not be"
    for one, who in pins_of(made).items():
        if serving.get(one) != who:
            yield f"pin of {one} to {who} is not kept"
    theirs, pinned = _held(made, serving), _held(made, pins_of(made))
    for who in made.supporters:
        held, by_pins = theirs[who["supporter_id"]], pinned[who["supporter_id"]]
        if len(held) > max(_places(who), len(by_pins)):
            yield f"{who['supporter_id']} has {len(held)} deployments"
        if sum(map(_days, held)) > max(_offer(who), sum(map(_days, by_pins))):
            yield f"{who['supporter_id']} is over the days"
    yield from _broken_ties(made, serving)


def _broken_ties(made: World, serving: Mapping[str, str]) -> Iterator[str]:
    pins, needs = pins_of(made), {row["need_id"]: row for row in counting(made)}
    home = {row["supporter_id"]: row["school_urn"] for row in made.supporters}
    per_school, per_home = (made.policy["rules"].get(name, math.inf) for name in _LIMITS)
    for package in {row.get("package") for row in needs.values()} - {None, ""}:
        members = {one for one, row in needs.items() if row.get("package") == package} - set(pins)
        if members & set(serving) and members - set(serving):
            yield f"package {package} is met in part"
    for urn in {row["school_urn"] for row in needs.values()}:
        come = {who for one, who in serving.items() if needs[one]["school_urn"] == urn}
        fixed = {who for one, who in pins.items() if needs[one]["school_urn"] == urn}
        if len(come) > max(per_school, len(fixed)):
            yield f"{len(come)} people come to school {urn}"
    for urn in set(home.values()):
        leave = sum(home[who] == urn for who in serving.values())
        if leave > max(per_home, sum(home[who] == urn for who in pins.values())):
            yield f"{leave} deployments leave school {urn}"


def spare(made: World, serving: Mapping[str, str], supporter_id: str) -> tuple[int, Fraction | float]:
    """Places and days that a supporter has left."""
    who = made.row("supporters", supporter_id)
    held = [made.row("needs", one) for one, other in serving.items() if other == supporter_id]
    return _places(who) - len(held), _offer(who) - sum(map(_days, held))


def days_of(row: Row) -> Fraction:
    return _days(row)


def level_of(row: Row) -> int:
    return _level(row)


def _places(who: Row) -> int:
    return int(who.get("max_deployments") or 1)


def _offer(who: Row) -> Fraction | float:
    return Fraction(who["days_available"]) if who.get("days_available") else math.inf


def _days(asked: Row) -> Fraction:
    return Fraction(asked.get("days") or 0)


def _level(asked: Row) -> int:
    return LEVELS.index(asked.get("priority") or "normal")


def _decided(made: World, kinds: tuple[str, ...]) -> set[tuple[str, str]]:
    return {
        (asked["need_id"], row["supporter_id"])
        for row in made.decisions
        if row["kind"] in kinds
        for asked in made.needs
        if (row["need_id"] == asked["need_id"] if row.get("need_id") else row["school_urn"] == asked["school_urn"])
    }


def _specialism_fit(made: World, asked: Row, who: Row) -> float:
    if asked["focus"] in GENERAL:
        return 1.0 if who["designation"] in ("NLE", "LLE") else 0.0
    held = who["specialisms"].split(";")
    if asked["focus"] in held:
        return 1.0
    related = made.policy["related_specialisms"].get(asked["focus"], [])
    return float(made.policy["specialism_fit"]["related"]) if set(related) & set(held) else 0.0


def _phase_fit(made: World, who: Row, wanted: str) -> float:
    held = who["phases"].split(";")
    if wanted in held:
        return 1.0
    for one in held:
        same_band = any(one in band and wanted in band for band in (LOW, HIGH))
        through = "All-through" in (one, wanted) and {one, wanted} <= {*LOW, *HIGH, "All-through"}
        if same_band or through:
            return float(made.policy["phase_fit"]["related"])
    return 0.0


def _accredited(made: World, who: Row) -> bool:
    if made.accreditation is None:
        return True
    grade = next(row for row in made.schools if row["urn"] == who["school_urn"]).get("ofsted", "")
    stated = {row["criterion"]: row["met"] for row in made.accreditation if row["supporter_id"] == who["supporter_id"]}
    for number in range(1, CRITERIA[who["designation"]] + 1):
        code = f"{who['designation']}-{number}"
        met = grade in BY_GRADE[code] if code in BY_GRADE and grade else stated.get(code) == "yes"
        if not met:
            return False
    return True
