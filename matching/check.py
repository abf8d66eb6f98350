"""An independent check of a plan: every rule, every number, and the proof that nothing better exists.

It shares no code with the rules, the pair search or the solver: it judges pairs by bit masks over whole blocks of needs
and supporters, from the inputs alone, so that a mistake there cannot hide here.
"""

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import pandas as pd
import scipy  # loads `scipy.optimize` when it is first asked for: most plans need none of it
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array, hstack, vstack
from scipy.sparse.csgraph import breadth_first_order, connected_components

from matching.accreditation import judge
from matching.inputs import Inputs
from matching.plan import Plan

_BLOCK_CELLS = 2_000_000
_LEVEL_NAMES = ("critical", "high", "normal")
_SEARCHED = "Where days or ties bind"


@dataclass(frozen=True)
class _Facts:
    """Needs and supporters as plain columns; masks hold one bit a word."""

    need_row: dict[str, int]
    supporter_row: dict[str, int]
    need: pd.DataFrame
    supporter: pd.DataFrame
    barred: set[tuple[int, int]]
    pinned: dict[int, int]
    earlier: set[tuple[int, int]]


@dataclass(frozen=True)
class _Judged:
    """Pairs as this room sees them: may they be, and with what numbers."""

    eligible: NDArray[np.bool_]
    km: NDArray[np.float64]
    specialism: NDArray[np.float64]
    phase: NDArray[np.float64]
    distance: NDArray[np.float64]
    milli: NDArray[np.int64]


def check_plan(plan: Plan, inputs: Inputs) -> list[str]:
    """Return every rule that the plan breaks and every number that is not as it should be, as sentences."""
    facts = _facts(inputs)
    faults = _needs_once(plan, facts)
    if faults:
        return faults
    unknown = [one for one in plan.deployments["supporter_id"] if one not in facts.supporter_row]
    if unknown:
        return [f"plan.csv names supporters who are not in the inputs: {', '.join(sorted(set(unknown)))}."]
    need = np.array([facts.need_row[one] for one in plan.deployments["need_id"].tolist()], dtype=np.intp)
    supporter = np.array([facts.supporter_row[one] for one in plan.deployments["supporter_id"].tolist()], dtype=np.intp)
    judged = _judge(inputs, facts, facts.need.iloc[need], facts.supporter.iloc[supporter])
    faults = [
        *_row_faults(plan, facts, need, supporter, judged),
        *_capacity_faults(inputs, facts, need, supporter),
        *_tie_faults(inputs, facts, need, supporter),
    ]
    # The levels are summed from the rows, and a row that is wrong may not even hold a number.
    return faults or list(_level_faults(plan, inputs, facts))


def check_proof(plan: Plan, inputs: Inputs, *, time_limit_s: float = 60.0) -> tuple[list[str], list[str]]:
    """Check from the prices, and where days or ties bind by solving anew, that no plan could be better.

    Returns
    -------
    faults, findings : list of str
        What is wrong, and what was shown.
    """
    facts = _facts(inputs)
    bonus = round(1000 * float(plan.manifest["proof"]["bonus"]))
    price = np.zeros(len(facts.supporter))
    for supporter_id, text in plan.workload[["supporter_id", "price"]].itertuples(index=False):
        if text and not re.fullmatch(r"[0-9]+\.[0-9]{3}", text):
            return [f"workload.csv {supporter_id}: the price '{text}' is not a number of score points."], []
        if supporter_id in facts.supporter_row:
            price[facts.supporter_row[supporter_id]] = round(float(text) * 1000) if text else math.nan
    by_days = np.isnan(price)
    pairs = _eligible_pairs(inputs, facts, price, bonus)
    days_needs = np.unique(pairs.need[by_days[pairs.supporter]])
    entangled = np.isin(np.arange(len(facts.need)), days_needs)
    faults, findings = [], []
    if pairs.most_milli * len(facts.need) + 1 != bonus:
        faults.append("manifest.json: the bonus is not the one that just keeps the levels apart.")
    faults += _needless_blanks(plan, inputs, facts, pairs, by_days)
    faults += _prices_too_high(plan, facts, pairs, price)
    faults += _wrong_surpluses(plan, facts, pairs, entangled)
    primal, dual = _sums(plan, facts, inputs, pairs, price, bonus, entangled)
    if primal != dual:
        faults.append(
            f"The prices do not prove the plan: it is worth {primal / 1000:,.3f}, and they allow {dual / 1000:,.3f}."
        )
    else:
        findings.append(
            f"The prices prove it over all {pairs.count:,} eligible pairs: both sides are {dual / 1000:,.3f}."
        )
    if entangled.any():
        more_faults, more = _check_days(plan, inputs, facts, pairs, entangled, time_limit_s)
        faults += more_faults
        findings += more
    elif plan.manifest["status"] != "optimal":
        faults.append("manifest.json: the status is not 'optimal', and the prices prove that it is.")
    return faults, findings


# ---- facts of the inputs -------------------------------------------------------------------------------------------


def _masks(cells: Iterable[Iterable[str]], known: list[str]) -> list[int]:
    """The words of each cell as bits; cells that are alike are read once."""
    held = [tuple(words) for words in cells]
    masks = {words: sum(1 << known.index(word) for word in set(words)) for words in set(held)}
    return [masks[words] for words in held]


def _facts(inputs: Inputs) -> _Facts:
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
    schools = inputs.schools.set_index("urn")[["easting", "northing", "trust", "phase"]]
    accredited = judge(inputs).accredited
    needs, people = inputs.needs, inputs.supporters
    at, home = schools.loc[needs["school_urn"]], schools.loc[people["school_urn"]]
    need = pd.DataFrame(
        {
            "row": range(len(needs)),
            "urn": needs["school_urn"].astype(int),
            "easting": at["easting"].to_numpy(),
            "northing": at["northing"].to_numpy(),
            "trust": at["trust"].to_numpy(),
            "phase": _masks(([phase] for phase in at["phase"].tolist()), phases),
            "focus": _masks(([focus] for focus in needs["focus"].tolist()), focuses),
            "related": _masks(
                (policy.related_specialisms.get(focus, ()) for focus in needs["focus"].tolist()), focuses
            ),
            "general": _masks((vocabulary.focuses[focus].fit_designations for focus in needs["focus"].tolist()), codes),
            "accepted": _masks(needs["designations"].tolist(), codes),
            "cents": [round(100 * days) for days in needs["days"].tolist()],
            "level": [_LEVEL_NAMES.index(priority) for priority in needs["priority"].tolist()],
            "package": needs["package"].to_numpy(),
        }
    )
    limits = [policy.max_distance_km[code] for code in people["designation"].tolist()]
    supporter = pd.DataFrame(
        {
            "row": range(len(people)),
            "urn": people["school_urn"].astype(int),
            "easting": home["easting"].to_numpy(),
            "northing": home["northing"].to_numpy(),
            "trust": home["trust"].to_numpy(),
            "phases": _masks(people["phases"].tolist(), phases),
            "close_phases": _masks(([c for p in held for c in close[p]] for held in people["phases"].tolist()), phases),
            "specialisms": _masks(people["specialisms"].tolist(), focuses),
            "designation": _masks(([code] for code in people["designation"].tolist()), codes),
            "limit": np.minimum(limits, people["max_distance_km"]),
            "cents": np.rint(100 * people["days_available"].to_numpy(dtype=float)),
            "places": people["max_deployments"],
            "deployable": accredited & (people["max_deployments"] > 0).to_numpy(),
        }
    )
    asking, offering = need["trust"].tolist(), supporter["trust"].tolist()
    trusts = {name: number if name else -1 for number, name in enumerate(sorted({*asking, *offering}))}
    need["trust"] = [trusts[name] for name in asking]
    supporter["trust"] = [trusts[name] for name in offering]
    need_row = {one: row for row, one in enumerate(needs["need_id"].tolist())}
    supporter_row = {one: row for row, one in enumerate(people["supporter_id"].tolist())}
    decided = [
        (kind, need_row[need_id], supporter_row[supporter_id])
        for kind, need_id, supporter_id in inputs.decisions[["kind", "need_id", "supporter_id"]].itertuples(index=False)
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
    return _Facts(need_row, supporter_row, need, supporter, barred, pinned, earlier)


def _judge(inputs: Inputs, facts: _Facts, need: pd.DataFrame, supporter: pd.DataFrame) -> _Judged:
    """Judge pairs row by row."""
    left, right = _columns(need), _columns(supporter)
    judged = _judge_columns(inputs, left, right)
    barred = [pair in facts.barred for pair in zip(left["row"].tolist(), right["row"].tolist(), strict=True)]
    return _Judged(
        judged.eligible & ~np.array(barred, dtype=bool),
        judged.km,
        judged.specialism,
        judged.phase,
        judged.distance,
        judged.milli,
    )


def _columns(frame: pd.DataFrame) -> dict[str, np.ndarray]:
    return {str(name): frame[name].to_numpy() for name in frame}


def _judge_columns(inputs: Inputs, need: dict[str, np.ndarray], supporter: dict[str, np.ndarray]) -> _Judged:
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
        eligible &= (need["trust"] != supporter["trust"]) | (need["trust"] < 0)
    milli = np.rint(1000 * points / (weights.specialism + weights.phase + weights.distance)).astype(np.int64)
    return _Judged(eligible, km, specialism, phase, distance, milli)


# ---- the plan's rows -----------------------------------------------------------------------------------------------


def _needs_once(plan: Plan, facts: _Facts) -> list[str]:
    faults = []
    listed = [*plan.deployments["need_id"], *plan.unmet["need_id"]]
    if sorted(listed) != sorted(facts.need_row):
        faults.append("plan.csv and unmet.csv do not hold every need exactly once.")
    for name, frame in (("plan.csv", plan.deployments), ("unmet.csv", plan.unmet)):
        if list(frame["need_id"]) != sorted(frame["need_id"]):
            faults.append(f"{name} is not sorted by need_id.")
    return faults


def _row_faults(plan: Plan, facts: _Facts, need: np.ndarray, supporter: np.ndarray, judged: _Judged) -> Iterator[str]:
    numbers = {
        "distance_km": [f"{value:.2f}" for value in judged.km],
        "score": [f"{value / 1000:.3f}" for value in judged.milli],
        "specialism_fit": [f"{value:.3f}" for value in judged.specialism],
        "phase_fit": [f"{value:.3f}" for value in judged.phase],
        "distance_fit": [f"{value:.3f}" for value in judged.distance],
    }
    pairs = list(zip(need.tolist(), supporter.tolist(), strict=True))
    is_pinned = np.array([facts.pinned.get(one) == other for one, other in pairs], dtype=bool)
    was_there = np.array([pair in facts.earlier for pair in pairs], dtype=bool)
    numbers["origin"] = np.select([is_pinned, was_there], ["pinned", "kept"], "optimised").tolist()
    need_ids = plan.deployments["need_id"].tolist()
    for row in np.flatnonzero(~judged.eligible & ~is_pinned).tolist():
        yield f"plan.csv {need_ids[row]}: {plan.deployments['supporter_id'].iat[row]} breaks a rule there."
    for column, expected in numbers.items():
        found = plan.deployments[column].tolist()
        for row in (row for row in range(len(found)) if found[row] != expected[row]):
            yield f"plan.csv {need_ids[row]}: {column} is '{found[row]}', and '{expected[row]}' was expected."
    served = dict(zip(need.tolist(), supporter.tolist(), strict=True))
    for pinned_need, pinned_supporter in facts.pinned.items():
        if served.get(pinned_need) != pinned_supporter:
            yield f"plan.csv: the pin of row {pinned_need + 1} of the needs is not kept."


def _capacity_faults(inputs: Inputs, facts: _Facts, need: np.ndarray, supporter: np.ndarray) -> Iterator[str]:
    count = len(facts.supporter)
    deployments = np.bincount(supporter, minlength=count)
    cents = np.bincount(supporter, weights=facts.need["cents"].to_numpy()[need], minlength=count)
    names = inputs.supporters["supporter_id"].tolist()
    for row in np.flatnonzero(deployments > facts.supporter["places"].to_numpy()):
        yield f"plan.csv: {names[row]} has {deployments[row]} deployments, more than max_deployments."
    for row in np.flatnonzero(cents > facts.supporter["cents"].to_numpy()):
        yield f"plan.csv: {names[row]} has {cents[row] / 100:g} days, more than days_available."


def _tie_faults(inputs: Inputs, facts: _Facts, need: np.ndarray, supporter: np.ndarray) -> Iterator[str]:
    """Packages met in part, and schools with more supporters or deployments than may be; pins are kept whatever."""
    rules = inputs.policy.rules
    rows = pd.DataFrame(
        {
            "need": need,
            "supporter": supporter,
            "to": facts.need["urn"].to_numpy()[need],
            "home": facts.supporter["urn"].to_numpy()[supporter],
            "pinned": np.isin(need, list(facts.pinned)),
        }
    )
    for package, needs in _packages(facts).items():
        met = int(np.isin(needs, need).sum())
        if 0 < met < len(needs):
            yield f"plan.csv: {met} of the {len(needs)} needs of package {package} are met, and all or none may be."
    visits = rows.sort_values("pinned").drop_duplicates(["to", "supporter"], keep="last")
    for column, limit, what in (
        ("to", rules.max_supporters_per_school, "supporters come to"),
        ("home", rules.max_per_home_school, "deployments leave"),
    ):
        counted = (visits if column == "to" else rows).groupby(column)["pinned"].agg(["size", "sum"])
        for urn, size, pinned in counted.itertuples() if limit is not None else ():
            if size > max(limit, pinned):
                yield f"plan.csv: {size} {what} school {urn}, and at most {limit} may."


def _packages(facts: _Facts) -> dict[str, list[int]]:
    """The needs of each package that are not pinned."""
    rows = facts.need[(facts.need["package"] != "") & ~facts.need["row"].isin(list(facts.pinned))]
    return {str(package): group["row"].tolist() for package, group in rows.groupby("package")}


def _level_values(plan: Plan, facts: _Facts, inputs: Inputs) -> list[int]:
    """Needs met by level and the total score in thousandths, change cost included, as the rows of plan.csv say."""
    rows = [facts.need_row[one] for one in plan.deployments["need_id"].tolist()]
    counts = np.bincount(facts.need["level"].to_numpy()[rows], minlength=3).tolist()
    score = sum(round(1000 * float(text)) for text in plan.deployments["score"])
    people = [facts.supporter_row[one] for one in plan.deployments["supporter_id"].tolist()]
    kept = sum(pair in facts.earlier for pair in zip(rows, people, strict=True))
    return [*counts, score + kept * round(1000 * inputs.policy.rerun.change_cost)]


def _level_faults(plan: Plan, inputs: Inputs, facts: _Facts) -> Iterator[str]:
    values = _level_values(plan, facts, inputs)
    for said, name, value in zip(plan.manifest["objective"], (*_LEVEL_NAMES, "score"), values, strict=True):
        expected = value / 1000 if name == "score" else value
        if said["level"] != name or said["value"] != expected:
            yield f"manifest.json: level {name} is said to be {said['value']}, and the plan holds {expected}."
        if said["bound"] < said["value"]:
            yield f"manifest.json: the bound of level {name} is below its value."
        unit = 1000 if name == "score" else 1
        if round(unit * said["bound"]) / unit != said["bound"]:
            what = "thousandths" if unit > 1 else "needs"
            yield f"manifest.json: the bound of level {name} is no whole number of {what}."
    gap = any(said["bound"] != said["value"] for said in plan.manifest["objective"])
    if plan.manifest["status"] != ("gap" if gap else "optimal"):
        yield f"manifest.json: the status '{plan.manifest['status']}' does not follow from the bounds."


# ---- the proof -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Priced:
    """What pricing all pairs gave.

    `surplus` is by need; `need`, `supporter` and `milli` are the pairs where days or ties bind; `tight_need` and
    `tight_supporter` are those worth exactly their price and surplus.
    """

    count: int
    most_milli: int
    surplus: NDArray[np.float64]
    need: NDArray[np.intp]
    supporter: NDArray[np.intp]
    milli: NDArray[np.int64]
    tight_need: NDArray[np.intp]
    tight_supporter: NDArray[np.intp]


def _eligible_pairs(inputs: Inputs, facts: _Facts, price: np.ndarray, bonus: int) -> _Priced:
    """Price every eligible pair, in blocks of needs against all supporters."""
    right = {name: column[np.newaxis, :] for name, column in _columns(facts.supporter).items()}
    by_days = np.isnan(price)
    finite_price = np.where(by_days, 0.0, price)
    height = max(1, _BLOCK_CELLS // max(1, len(facts.supporter)))
    change = round(1000 * inputs.policy.rerun.change_cost)
    barred = _by_need(facts.barred)
    earlier = _by_need(facts.earlier)
    surplus, best = np.zeros(len(facts.need)), np.zeros(len(facts.need), dtype=np.int64)
    has_pair = np.zeros(len(facts.need), dtype=bool)
    count = 0
    found: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    tight: list[tuple[np.ndarray, np.ndarray]] = []
    for start in range(0, len(facts.need), height):
        block = facts.need.iloc[start : start + height]
        left = {name: column[:, np.newaxis] for name, column in _columns(block).items()}
        judged = _judge_columns(inputs, left, right)
        eligible, value = judged.eligible, judged.milli
        for row in range(len(block)):
            eligible[row, barred.get(start + row, [])] = False
            value[row, earlier.get(start + row, [])] += change
            if start + row in facts.pinned:
                eligible[row, :] = False
        count += int(eligible.sum())
        has_pair[start : start + height] = eligible.any(axis=1)
        best[start : start + height] = np.where(eligible, value, 0).max(axis=1, initial=0)
        worth = bonus * (3 - block["level"].to_numpy()[:, np.newaxis]) + value - finite_price
        surplus[start : start + height] = np.where(eligible, worth, 0).max(axis=1, initial=0)
        need, supporter = np.nonzero(eligible & (worth == surplus[start : start + height, np.newaxis]))
        tight.append((start + need, supporter))
        need, supporter = np.nonzero(eligible & by_days)
        found.append((start + need, supporter, value[need, supporter]))
    need, supporter, milli = (np.concatenate(column) for column in zip(*found, strict=True))
    tight_need, tight_supporter = (np.concatenate(column) for column in zip(*tight, strict=True))
    hopeless = _hopeless(facts, has_pair)
    surplus[hopeless] = 0
    most = max(1000, int(best[~hopeless].max(initial=0)))
    some, hoped = ~hopeless[need], ~hopeless[tight_need]
    return _Priced(
        count, most, surplus, need[some], supporter[some], milli[some], tight_need[hoped], tight_supporter[hoped]
    )


def _hopeless(facts: _Facts, has_pair: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """By need: whether its package holds one that nobody may serve."""
    flags = np.zeros(len(facts.need), dtype=bool)
    for needs in _packages(facts).values():
        flags[needs] = not has_pair[needs].all()
    return flags


def _by_need(pairs: set[tuple[int, int]]) -> dict[int, list[int]]:
    grouped: dict[int, list[int]] = {}
    for need, supporter in pairs:
        grouped.setdefault(need, []).append(supporter)
    return grouped


def _sums(
    plan: Plan, facts: _Facts, inputs: Inputs, pairs: _Priced, price: np.ndarray, bonus: int, entangled: np.ndarray
) -> tuple[int, int]:
    """What the plan is worth, and what the prices allow any plan to be worth, where neither days nor ties bind."""
    change = round(1000 * inputs.policy.rerun.change_cost)
    primal, level = 0, facts.need["level"].tolist()
    places = np.where(facts.supporter["deployable"], facts.supporter["places"], 0)
    for supporter in facts.pinned.values():
        places[supporter] = max(places[supporter] - 1, 0)
    columns = ["need_id", "supporter_id", "score"]
    for need_id, supporter_id, score in plan.deployments[columns].itertuples(index=False):
        need, supporter = facts.need_row[need_id], facts.supporter_row[supporter_id]
        if need in facts.pinned or entangled[need]:
            continue
        value = round(1000 * float(score)) + change * ((need, supporter) in facts.earlier)
        primal += bonus * (3 - level[need]) + value
    priced = ~np.isnan(price)
    dual = round(float(pairs.surplus[~entangled].sum())) + round(float((places * price)[priced].sum()))
    return primal, dual


def _prices_too_high(plan: Plan, facts: _Facts, pairs: _Priced, price: np.ndarray) -> Iterator[str]:
    """Prices that nobody's wish explains: one more place would not be worth that much.

    A price is the least where a chain of pairs, each worth exactly its price and surplus, leads from the supporter to
    an unmet need or to somebody with a place to spare.
    """
    root = len(facts.supporter)
    holder = np.full(len(facts.need), root)
    rows = [facts.need_row[one] for one in plan.deployments["need_id"].tolist()]
    holder[rows] = [facts.supporter_row[one] for one in plan.deployments["supporter_id"].tolist()]
    came_from = holder[pairs.tight_need]
    came_from[(came_from < root) & (np.append(price, 0)[came_from] == 0)] = root
    chains = coo_array((np.ones(len(came_from)), (came_from, pairs.tight_supporter)), shape=(root + 1, root + 1))
    explained = set(breadth_first_order(chains.tocsr(), root, return_predecessors=False).tolist())
    for supporter_id, row in facts.supporter_row.items():
        if price[row] > 0 and row not in explained:
            yield f"workload.csv {supporter_id}: the price is higher than what one more place would be worth."


def _wrong_surpluses(plan: Plan, facts: _Facts, pairs: _Priced, entangled: np.ndarray) -> Iterator[str]:
    """Surpluses that are not what the best pair of the need leaves over at these prices."""
    if plan.surplus is None:
        return
    if plan.surplus["need_id"].tolist() != list(facts.need_row):
        yield "surplus.csv does not hold every need once, in order."
        return
    is_blank = entangled.copy()
    is_blank[list(facts.pinned)] = True
    right = [
        "" if blank else f"{one:.3f}"
        for one, blank in zip((pairs.surplus / 1000).tolist(), is_blank.tolist(), strict=True)
    ]
    for need_id, found, expected in zip(facts.need_row, plan.surplus["surplus"].tolist(), right, strict=True):
        if found != expected:
            yield f"surplus.csv {need_id}: the surplus is '{found}', and the prices give '{expected}'."


def _needless_blanks(plan: Plan, inputs: Inputs, facts: _Facts, pairs: _Priced, by_days: np.ndarray) -> Iterator[str]:
    """Blank prices in a part of the graph in which no days and no ties bind, so that prices could have been given."""
    rules = inputs.policy.rules
    if rules.max_supporters_per_school is not None or rules.max_per_home_school is not None:
        return
    # A plan that somebody changed, or did not wait for, claims no proof, and has no prices at all.
    if plan.manifest["status"] == "gap" and (plan.workload["price"] == "").all():
        return
    n_needs, n_nodes = len(facts.need), len(facts.need) + len(facts.supporter)
    edges = coo_array((np.ones(len(pairs.need)), (pairs.need, n_needs + pairs.supporter)), shape=(n_nodes, n_nodes))
    part_of_need, part = np.split(connected_components(edges, directed=False)[1], [n_needs])
    packed = part_of_need[(facts.need["package"] != "").to_numpy()]
    limited = np.isin(part, [*part[np.isfinite(facts.supporter["cents"].to_numpy())], *packed])
    for supporter_id, row in facts.supporter_row.items():
        if by_days[row] and not limited[row]:
            yield f"workload.csv {supporter_id}: the price is blank, and no days or ties could bind there."


def _check_days(
    plan: Plan,
    inputs: Inputs,
    facts: _Facts,
    pairs: _Priced,
    entangled: np.ndarray,
    time_limit_s: float,
) -> tuple[list[str], list[str]]:
    """Solve the parts where days or ties bind again, level by level, with a model of this room's own."""
    places = facts.supporter["places"].to_numpy().astype(float)
    cents = facts.supporter["cents"].to_numpy().astype(float)
    for need, supporter in facts.pinned.items():
        places[supporter] -= 1
        cents[supporter] -= facts.need["cents"].iat[need]
    columns = np.arange(len(pairs.need))
    asked = facts.need["cents"].to_numpy()[pairs.need]

    def rows(of: np.ndarray, height: int, cells: np.ndarray) -> csr_array:
        return csr_array((cells.astype(float), (of, columns)), shape=(height, len(columns)))

    limited = np.isfinite(cents)
    matrix = vstack(
        [
            rows(pairs.need, len(facts.need), np.ones(len(columns))),
            rows(pairs.supporter, len(places), np.ones(len(columns))),
            rows(pairs.supporter, len(places), np.where(limited[pairs.supporter], asked, 0)),
        ]
    )
    limits = np.concatenate(
        [np.ones(len(facts.need)), np.maximum(places, 0), np.where(limited, np.maximum(cents, 0), 0)]
    )
    level = facts.need["level"].to_numpy()[pairs.need]
    ties, least, most = _tie_rows(inputs, facts, pairs)
    beside = ties.shape[1] - len(columns)

    def widened(cells: csr_array) -> csr_array:
        return hstack([cells, csr_array((cells.shape[0], beside))])

    constraints = [
        scipy.optimize.LinearConstraint(widened(matrix), -np.inf, limits),
        scipy.optimize.LinearConstraint(ties, least, most),
    ]
    critical, high, normal, score = _part_values(plan, facts, inputs, entangled)
    bonus = pairs.most_milli * len(facts.need) + 1
    # The last two levels at once: no score is worth as much as one more need.
    searches = (
        ("critical", (level == 0).astype(float), critical),
        ("high", (level == 1).astype(float), high),
        ("normal and score", bonus * (level == 2) + pairs.milli.astype(float), bonus * normal + score),
    )
    for name, worth, held in searches:
        result = scipy.optimize.milp(
            -np.append(worth, np.zeros(beside)),
            constraints=constraints,
            integrality=np.ones(len(worth) + beside, dtype=np.int64),
            bounds=scipy.optimize.Bounds(0, 1),
            options={"mip_rel_gap": 0, "time_limit": time_limit_s / len(searches)},
        )
        if result.x is not None and round(float(-result.fun)) > held:
            if plan.manifest["status"] == "optimal":
                return [
                    f"Where days or ties bind, a better plan exists: its level {name} is better than the plan's."
                ], []
            return [], [
                f"Where days or ties bind, a plan of a better level {name} was found: the plan says that it may exist."
            ]
        if not result.success:
            return [], [
                f"{_SEARCHED}, level {name} could not be solved again in {time_limit_s / len(searches):g} s: its bound "
                "is not proved here."
            ]
        constraints.append(scipy.optimize.LinearConstraint(widened(csr_array(worth[np.newaxis, :])), held, np.inf))
    return [], [f"{_SEARCHED} ({int(entangled.sum()):,} needs), solving again finds nothing better."]


def _tie_rows(inputs: Inputs, facts: _Facts, pairs: _Priced) -> tuple[csr_array, list[float], list[float]]:
    """Ties over the pairs, one column for each meeting of a supporter with a school and one for each package."""
    rules = inputs.policy.rules
    urn, home = facts.need["urn"].to_numpy(), facts.supporter["urn"].to_numpy()
    meets = list(zip(urn[pairs.need].tolist(), pairs.supporter.tolist(), strict=True))
    pinned = {(int(urn[need]), supporter) for need, supporter in facts.pinned.items()}
    meetings = {meeting: number for number, meeting in enumerate(sorted(set(meets)))}
    packages = _packages(facts)
    n_pairs, n_meetings = len(pairs.need), len(meetings)
    cells: list[tuple[int, int, float]] = []
    least: list[float] = []
    most: list[float] = []

    def row(entries: Iterable[tuple[int, float]], low: float, high: float) -> None:
        cells.extend((len(least), column, cell) for column, cell in entries)
        least.append(low)
        most.append(high)

    if rules.max_supporters_per_school is not None:
        for column, meeting in enumerate(meets):
            row([(column, 1), (n_pairs + meetings[meeting], -1)], -np.inf, 0)
        for school, group in groupby(meetings, key=lambda meeting: meeting[0]):
            new = [n_pairs + meetings[meeting] for meeting in group if meeting not in pinned]
            there = sum(one == school for one, _ in pinned)
            row(((column, 1) for column in new), -np.inf, max(0, rules.max_supporters_per_school - there))
    if rules.max_per_home_school is not None:
        for school in np.unique(home[pairs.supporter]).tolist():
            gone = sum(int(home[supporter]) == school for supporter in facts.pinned.values())
            leaving = np.flatnonzero(home[pairs.supporter] == school).tolist()
            row(((column, 1) for column in leaving), -np.inf, max(0, rules.max_per_home_school - gone))
    for number, needs in enumerate(packages.values()):
        for need in needs:
            serving = np.flatnonzero(pairs.need == need).tolist()
            row([*((column, 1) for column in serving), (n_pairs + n_meetings + number, -1)], 0, 0)
    rows, columns, values = zip(*cells, strict=True) if cells else ((), (), ())
    shape = (len(least), n_pairs + n_meetings + len(packages))
    return csr_array(coo_array((values, (rows, columns)), shape=shape)), least, most


def _part_values(plan: Plan, facts: _Facts, inputs: Inputs, entangled: np.ndarray) -> list[int]:
    rows = [facts.need_row[one] for one in plan.deployments["need_id"].tolist()]
    inside = np.array([bool(entangled[row]) and row not in facts.pinned for row in rows], dtype=bool)
    part = Plan(plan.deployments[inside], plan.unmet, plan.workload, plan.excluded, plan.manifest)
    return _level_values(part, facts, inputs)
