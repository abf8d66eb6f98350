"""An independent check of a plan: every rule and every number, from the inputs alone."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from matching.audit.facts import (
    LEVEL_NAMES,
    Facts,
    Judged,
    facts_of,
    is_rounded_once,
    judge_rows,
    km_text,
    packages_of,
    rules_broken,
)
from matching.inputs.inputs import Inputs
from matching.plan.write import Plan

_STATUSES = ("proposed", "approached", "agreed", "active", "paused", "completed", "declined", "withdrawn")


def check_plan(plan: Plan, inputs: Inputs) -> list[str]:
    """Return a sentence for every rule that the plan breaks and for every number that is wrong."""
    facts = facts_of(inputs)
    faults = [*_needs_once(plan, inputs), *_people_once(plan, facts)]
    if faults:
        return faults
    need = np.array([facts.need_row[one] for one in plan.deployments["need_id"].tolist()], dtype=np.intp)
    supporter = np.array([facts.supporter_row[one] for one in plan.deployments["supporter_id"].tolist()], dtype=np.intp)
    judged = judge_rows(inputs, facts, facts.need.iloc[need], facts.supporter.iloc[supporter])
    faults = [
        *_row_faults(plan, inputs, facts, need, supporter, judged),
        *_capacity_faults(inputs, facts, need, supporter),
        *_side_constraint_faults(inputs, facts, need, supporter),
    ]
    # The levels are summed from the rows, and a row that is wrong may not even hold a number.
    return faults or list(_level_faults(plan, inputs, facts))


def _needs_once(plan: Plan, inputs: Inputs) -> Iterator[str]:
    listed = [*plan.deployments["need_id"], *plan.unmet["need_id"]]
    pinned = {*inputs.decisions.loc[inputs.decisions["kind"] == "pin", "need_id"]}
    states = dict(inputs.all_needs[["need_id", "state"]].itertuples(index=False, name=None))
    not_open = {one: state for one, state in states.items() if state != "open" and one not in pinned}
    if sorted(listed) != sorted({*states} - {*not_open}):
        yield "plan.csv and unmet.csv do not hold every open or pinned need exactly once."
    if plan.manifest.get("not_open", {}) != not_open:
        yield f"manifest.json: not_open is {plan.manifest.get('not_open', {})}, and {not_open} was expected."
    for name, frame in (("plan.csv", plan.deployments), ("unmet.csv", plan.unmet)):
        if list(frame["need_id"]) != sorted(frame["need_id"]):
            yield f"{name} is not sorted by need_id."


def _people_once(plan: Plan, facts: Facts) -> Iterator[str]:
    tables = (("plan.csv", plan.deployments), ("workload.csv", plan.workload), ("excluded.csv", plan.excluded))
    for name, frame in tables:
        people = frame["supporter_id"].tolist()
        if unknown := sorted({*people} - {*facts.supporter_row}):
            yield f"{name} names supporters who are not in the inputs: {', '.join(unknown)}."
        if frame is not plan.deployments and len({*people}) < len(people):
            yield f"{name} holds a supporter twice."


def _row_faults(
    plan: Plan, inputs: Inputs, facts: Facts, need: np.ndarray, supporter: np.ndarray, judged: Judged
) -> Iterator[str]:
    numbers = {
        "distance_km": [km_text(value, plan) for value in judged.km.tolist()],
        "score": [f"{value / 1000:.3f}" for value in judged.milli],
        "specialism_fit": [f"{value:.3f}" for value in judged.specialism],
        "phase_fit": [f"{value:.3f}" for value in judged.phase],
        "distance_fit": [f"{value:.3f}" for value in judged.distance],
    }
    pairs = list(zip(need.tolist(), supporter.tolist(), strict=True))
    is_pinned = np.array([facts.pinned.get(one) == other for one, other in pairs], dtype=bool)
    was_there = np.array([pair in facts.earlier for pair in pairs], dtype=bool)
    numbers["origin"] = np.select([is_pinned, was_there], ["pinned", "kept"], "optimised").tolist()
    # Format 1, whose manifest has no format, did not have these columns.
    if "format" in plan.manifest:
        numbers["rules_broken"] = [
            ";".join(rules_broken(inputs, facts, *pair)) if pinned else ""
            for pair, pinned in zip(pairs, is_pinned.tolist(), strict=True)
        ]
        statuses = plan.deployments["status"]
        for need_id, status in plan.deployments[["need_id", "status"]][~statuses.isin(_STATUSES)].to_numpy().tolist():
            yield f"plan.csv {need_id}: '{status}' is not a status of a deployment."
    need_ids = plan.deployments["need_id"].tolist()
    for row in np.flatnonzero(~judged.eligible & ~is_pinned).tolist():
        yield f"plan.csv {need_ids[row]}: {plan.deployments['supporter_id'].iat[row]} breaks a rule with this need."
    for column, expected in numbers.items():
        found = plan.deployments[column].tolist()
        for row in (row for row in range(len(found)) if found[row] != expected[row]):
            yield f"plan.csv {need_ids[row]}: {column} is '{found[row]}', and '{expected[row]}' was expected."
    served = dict(zip(need.tolist(), supporter.tolist(), strict=True))
    for pinned_need, pinned_supporter in facts.pinned.items():
        if served.get(pinned_need) != pinned_supporter:
            yield f"plan.csv: the pin of row {pinned_need + 1} of the needs is not kept."


def _capacity_faults(inputs: Inputs, facts: Facts, need: np.ndarray, supporter: np.ndarray) -> Iterator[str]:
    count = len(facts.supporter)
    asked = facts.need["cents"].to_numpy()
    deployments = np.bincount(supporter, minlength=count)
    cents = np.bincount(supporter, weights=asked[need], minlength=count)
    # Pins may exceed what a supporter has; then nothing else may be added to them.
    by_pins = np.array(list(facts.pinned.values()), dtype=np.intp)
    places = np.maximum(facts.supporter["places"].to_numpy(), np.bincount(by_pins, minlength=count))
    days_of_pins = np.bincount(by_pins, weights=asked[list(facts.pinned)], minlength=count)
    days = np.maximum(facts.supporter["cents"].to_numpy(), days_of_pins)
    names = inputs.supporters["supporter_id"].tolist()
    for row in np.flatnonzero(deployments > places):
        yield f"plan.csv: {names[row]} has {deployments[row]} deployments, which is more than max_deployments."
    for row in np.flatnonzero(cents > days):
        yield f"plan.csv: {names[row]} has {cents[row] / 100:g} days, which is more than days_available."


def _side_constraint_faults(inputs: Inputs, facts: Facts, need: np.ndarray, supporter: np.ndarray) -> Iterator[str]:
    """Packages that are met in part, and schools beyond their limits; pins are kept whatever they break."""
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
    for package, needs in packages_of(facts).items():
        met = int(np.isin(needs, need).sum())
        if 0 < met < len(needs):
            yield f"plan.csv: {met} of the {len(needs)} needs of package {package} are met; it must be all or none."
    visits = rows.sort_values("pinned").drop_duplicates(["to", "supporter"], keep="last")
    for column, limit, what in (
        ("to", rules.max_supporters_per_school, "supporters come to"),
        ("home", rules.max_per_home_school, "deployments leave"),
    ):
        counted = (visits if column == "to" else rows).groupby(column)["pinned"].agg(["size", "sum"])
        for urn, size, pinned in counted.itertuples() if limit is not None else ():
            if size > max(limit, pinned):
                yield f"plan.csv: {size} {what} school {urn}, and the limit is {limit}."


def level_values(plan: Plan, facts: Facts, inputs: Inputs) -> list[int]:
    """Return the needs met by level and the total score in thousandths, with the change cost, from plan.csv."""
    rows = [facts.need_row[one] for one in plan.deployments["need_id"].tolist()]
    counts = np.bincount(facts.need["level"].to_numpy()[rows], minlength=3).tolist()
    score = sum(round(1000 * float(text)) for text in plan.deployments["score"])
    return [*counts, score + kept_bonus_milli(plan, facts, inputs)]


def kept_bonus_milli(plan: Plan, facts: Facts, inputs: Inputs) -> int:
    """Return what the deployments that the baseline had too add to the value of the plan, in thousandths."""
    rows = [facts.need_row[one] for one in plan.deployments["need_id"].tolist()]
    people = [facts.supporter_row[one] for one in plan.deployments["supporter_id"].tolist()]
    kept = sum(pair in facts.earlier for pair in zip(rows, people, strict=True))
    return kept * round(1000 * inputs.policy.rerun.change_cost)


def total_value_milli(plan: Plan, facts: Facts, inputs: Inputs, bonus: int, left_out: NDArray[np.bool_]) -> int:
    """Return the value of plan.csv with the bonuses of its needs, without pins and the needs to be left out."""
    change = round(1000 * inputs.policy.rerun.change_cost)
    total, level = 0, facts.need["level"].tolist()
    columns = ["need_id", "supporter_id", "score"]
    for need_id, supporter_id, score in plan.deployments[columns].itertuples(index=False):
        need, supporter = facts.need_row[need_id], facts.supporter_row[supporter_id]
        if need in facts.pinned or left_out[need]:
            continue
        value = round(1000 * float(score)) + change * ((need, supporter) in facts.earlier)
        total += bonus * (3 - level[need]) + value
    return total


def _level_faults(plan: Plan, inputs: Inputs, facts: Facts) -> Iterator[str]:
    values = level_values(plan, facts, inputs)
    for stated, name, value in zip(plan.manifest["objective"], (*LEVEL_NAMES, "score"), values, strict=True):
        expected = value / 1000 if name == "score" else value
        if stated["level"] != name or stated["value"] != expected:
            yield f"manifest.json: the value of level {name} is {stated['value']}, and plan.csv gives {expected}."
        if stated["bound"] < stated["value"]:
            yield f"manifest.json: the bound of level {name} is below its value."
        unit = 1000 if name == "score" else 1
        if round(unit * stated["bound"]) / unit != stated["bound"]:
            what = "thousandths" if unit > 1 else "needs"
            yield f"manifest.json: the bound of level {name} is not a whole number of {what}."
    bonus = kept_bonus_milli(plan, facts, inputs) / 1000 if inputs.baseline is not None else None
    stated_bonus = plan.manifest["objective"][-1].get("kept_bonus")
    if is_rounded_once(plan) and stated_bonus != bonus:
        yield f"manifest.json: the bonus for kept deployments is {stated_bonus}, and plan.csv gives {bonus}."
    gap = any(stated["bound"] != stated["value"] for stated in plan.manifest["objective"])
    if plan.manifest["status"] != ("gap" if gap else "optimal"):
        yield f"manifest.json: the status '{plan.manifest['status']}' does not follow from the bounds."
