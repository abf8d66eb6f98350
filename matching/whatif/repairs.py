"""The smallest changes that would meet an unmet need, each tried by solving with it made.

What a change moves elsewhere is told with it. Nothing is kept here: the inputs and the plan stay what they were.
"""

import math
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import zip_longest

import numpy as np
import pandas as pd

from matching.errors import counted
from matching.inputs.read import Inputs
from matching.pairs.market import Market
from matching.pairs.rules import RULES
from matching.plan.phrases import person
from matching.plan.write import Plan
from matching.solve.arrays import Positions
from matching.solve.problem import PRIORITY_LEVELS, UNMET, Reached
from matching.whatif.remedies import CHANGES, FOR_ALL, related_specialisms
from matching.whatif.resolve import changed_market, changes_between, outcome_of, position_of, solve_again, without_need

# Changes tried for one need: each takes a solve or more.
_MOST_TRIED = 12
_MOST_PLACES = 2
# Further than that nobody is asked to go.
_MOST_KM = 25
_MOST_NAMED = 3
# Of one kind of change for everybody: which specialisms are close to one another is a matter of judgement.
_MOST_FOR_ALL = 2


@dataclass(frozen=True)
class Step:
    """One small change.

    Attributes
    ----------
    kind : str
        `place`, `days`, `distance` (own limit) or `decision` of a supporter; `designation`, `fewer days` or `package`
        of the need; or of the policy, for everybody, one of `remedies.FOR_ALL`.
    supporter_id : str
        Whom it is about, or who could then serve the need.
    size : float
        Places, days, km, people or deployments; 1 for the others.
    words : str
        The change as the beginning of a sentence.
    """

    kind: str
    supporter_id: str
    size: float
    words: str


@dataclass(frozen=True)
class Repair:
    """A small change that would meet an unmet need.

    Attributes
    ----------
    need_id : str
    steps : tuple of Step
        One, or two that only work together; none where somebody can be put there with nothing changed.
    is_least : bool
        Whether no smaller number of the same days or km would do.
    inputs : Inputs
        With the change made.
    lost : tuple of int
        By priority level: needs that are met now and would not be.
    changes : DataFrame
        `matching.compare.CHANGE_COLUMNS`: whom it would move; the need itself is the first row.
    reached : tuple of int
        What the plan would reach at each level, the last in thousandths.
    proved : bool
        Whether that is the best plan after the change.
    sentence : str
    """

    need_id: str
    steps: tuple[Step, ...]
    is_least: bool
    inputs: Inputs = field(repr=False)
    lost: tuple[int, ...]
    changes: pd.DataFrame = field(repr=False)
    reached: Reached
    proved: bool
    sentence: str


def repairs(
    market: Market, plan: Plan, need_id: str, *, most: int = 6, time_limit_s: float = 10.0
) -> tuple[Repair, ...]:
    """Find the smallest changes that would meet an unmet need; none for a need that is met.

    Parameters
    ----------
    market : Market
        Of the plan's inputs.
    plan : Plan
    need_id : str
    most : int
        How many to give.
    time_limit_s : float
        How long to search in all, in seconds.

    Returns
    -------
    tuple of Repair
        First those that leave the fewest other needs unmet, the most urgent level first; of those changes for one
        person or need before those for everybody, then the smallest, then the highest total score.

    Notes
    -----
    Each is solved with the change made, and counts only where every best plan then meets the need: the best plan that
    meets it is better than the best that does not. The plan is the one to stay close to, as in a rerun. Two changes
    together are tried only where no single one does, and none at all where the need can be met as things stand.

    Raises
    ------
    DataError
        The need is not in the inputs.
    """
    need = position_of(market.inputs.needs["need_id"], need_id, "need")
    before = outcome_of(market, plan)
    if before[need] != UNMET:
        return ()
    close = changed_market(market, replace(market.inputs, baseline=plan.deployments), same_pairs=True)
    question = _Question(close, before, need, time.monotonic() + time_limit_s)
    if _has_room(question) and (as_things_stand := _tried(question, (), is_least=True)):
        return (as_things_stand,)
    ones, twos = _candidates(question)
    found = list(_that_work(question, ones)) or list(_that_work(question, twos))
    found.sort(key=_cost)
    return tuple(found[:most])


def _cost(repair: Repair) -> tuple[tuple[int, ...], int, float, int]:
    for_all = sum(step.kind in FOR_ALL for step in repair.steps)
    return repair.lost, for_all, sum(step.size for step in repair.steps), -repair.reached[-1]


@dataclass(frozen=True)
class _Question:
    """Which need is to be met, in what market, from what outcome on, and until when to search."""

    market: Market
    before: Positions
    need: int
    deadline: float

    @property
    def need_id(self) -> str:
        """The need's identifier."""
        return str(self.market.needs[self.need]["need_id"])

    def left_s(self) -> float:
        """Seconds left to search."""
        return max(0.0, self.deadline - time.monotonic())


_Sizes = tuple[tuple[str, int, tuple[float, ...]], ...]
"""Steps as kind, supporter, and the sizes to try: the one that is sure to be large enough last."""


def _that_work(question: _Question, candidates: Iterable[_Sizes]) -> Iterator[Repair]:
    for tried, candidate in enumerate(candidates):
        if tried == _MOST_TRIED or not question.left_s():
            return
        largest = [(kind, supporter, sizes[-1]) for kind, supporter, sizes in candidate]
        repair = _tried(question, largest, is_least=True)
        if repair is None:
            continue
        # The sum that suffices if nobody else moves is known; people who move may make do with less.
        kind, supporter, sizes = candidate[0]
        smaller = sizes[:-1] if len(candidate) == 1 else ()
        for size in smaller:
            if not question.left_s():
                repair = replace(repair, is_least=False)
                break
            less = _tried(question, [(kind, supporter, size)], is_least=True)
            if less is not None:
                repair = less
                break
        yield repair


def _tried(question: _Question, changes: Sequence[tuple[str, int, float]], *, is_least: bool) -> Repair | None:
    """The repair, where every best plan after the change meets the need."""
    market, before, need = question.market, question.before, question.need
    steps, inputs = [], market.inputs
    for kind, supporter, size in changes:
        words, inputs = CHANGES[kind](market, inputs, need, supporter, size)
        steps.append(Step(kind, str(market.supporters[supporter]["supporter_id"]), size, words))
    changed = changed_market(market, inputs)
    touched = _touched(market, changed, [supporter for _, supporter, _ in changes])
    needs = np.union1d([need], _package_of(market, need)).tolist()
    answer = solve_again(market, before, changed, needs=needs, supporters=touched, time_limit_s=question.left_s() / 2)
    if answer.supporter_of[need] == UNMET:
        return None
    otherwise = solve_again(
        market,
        before,
        without_need(changed, need),
        needs=needs,
        supporters=touched,
        time_limit_s=question.left_s() / 2,
        at_most=answer.reached,
    )
    if otherwise.reached >= answer.reached:
        return None
    displaced = changes_between(market, before, answer.supporter_of, [need])
    lost = [list(displaced.loc[displaced["change"] == "lost", "priority"]).count(level) for level in PRIORITY_LEVELS]
    proved = answer.proved and otherwise.proved
    change = _change_words(steps) or f"Putting {person(market, int(answer.supporter_of[need]))} there"
    sentence = _repair_sentence(question, change, displaced, proved=proved)
    return Repair(
        question.need_id, tuple(steps), is_least, inputs, tuple(lost), displaced, answer.reached, proved, sentence
    )


def _package_of(market: Market, need: int) -> Positions:
    """The needs of the need's package; none without one."""
    package = market.rulebook.package
    return np.flatnonzero((package == package[need]) & (package >= 0))


def _touched(market: Market, changed: Market, supporters: Sequence[int]) -> list[int]:
    """The supporters whose places, days, pairs or scores a change may alter."""
    before, after = market.inputs.policy, changed.inputs.policy
    if before.rules != after.rules or before.related_specialisms != after.related_specialisms:
        return list(range(len(market.supporters)))
    other_limit = np.flatnonzero(market.rulebook.limit_km != changed.rulebook.limit_km).tolist()
    return sorted({*supporters, *other_limit})


def _has_room(question: _Question) -> bool:
    """Whether somebody eligible has a place and the days as things stand."""
    pairs = question.market.pairs
    return any(not _obstacles(question, one, ()) for one in pairs.supporter[pairs.of_need(question.need)].tolist())


def _candidates(question: _Question) -> tuple[list[_Sizes], list[_Sizes]]:
    """Single changes and pairs of changes that may meet the need, the most promising first."""
    market, need = question.market, question.need
    rulebook, everyone = market.rulebook, np.arange(len(market.supporters))
    same_need = np.full(len(everyone), need)
    broken = rulebook.broken(same_need, everyone)
    score = rulebook.fits(same_need, everyone).score_milli
    count = np.sum([broken[rule] for rule in RULES], axis=0)
    ones: list[tuple[float, int, _Sizes]] = []
    twos: list[tuple[float, int, _Sizes]] = []
    for supporter in np.flatnonzero(count <= 2).tolist():
        steps = _obstacles(question, supporter, [rule for rule in RULES if broken[rule][supporter]])
        too_far = any(kind.endswith("distance") and sizes[-1] > _MOST_KM for kind, _, sizes in steps)
        if len(steps) == 2:
            # One place by itself may go to another need; together with something else it is meant for this one.
            steps = tuple((kind, who, sizes[:1] if kind == "place" else sizes) for kind, who, sizes in steps)
        if steps and len(steps) <= 2 and not too_far:
            size = sum(sizes[-1] for _, _, sizes in steps)
            (ones if len(steps) == 1 else twos).append((size, -int(score[supporter]), steps))
    eligible = np.flatnonzero(count == 0)
    nearby = _holders_of_relief(question, eligible)
    ones += [(steps[0][-1][-1], 0, steps) for steps in (*_fewer_days(question, ones), *_untied(question, eligible))]
    twos += [(size + 1, fit, (*steps, ("place", steps[0][1], (1.0,)))) for size, fit, steps in ones if _lets_in(steps)]
    ones += [(_MOST_PLACES, 0, (("place", supporter, (1.0,)),)) for supporter in nearby]
    twos = [one for one in twos if all(kind != "specialism" for kind, _, _ in one[-1])]
    return _in_turn(market, need, ones), _in_turn(market, need, twos)


def _lets_in(steps: _Sizes) -> bool:
    """Whether a single change makes somebody eligible whose place another need may then take as well."""
    return steps[0][0] not in ("place", "days", "fewer days")


def _obstacles(question: _Question, supporter: int, rules: Sequence[str]) -> _Sizes:
    """The steps that would let a supporter take the need as things stand; empty where some rule cannot be moved."""
    market, need, before = question.market, question.need, question.before
    rulebook = market.rulebook
    related = related_specialisms(market, need, supporter)
    held = np.flatnonzero(before == supporter)
    steps: list[tuple[str, int, tuple[float, ...]]] = []
    for rule in rules:
        if rule == "distance":
            steps.append(_limit_step(market, need, supporter))
        elif rule in ("forbidden", "declined"):
            steps.append(("decision", supporter, (1.0,)))
        elif rule in ("same trust", "designation") or (rule == "specialism" and related):
            steps.append((rule, supporter, (1.0,)))
        elif rule not in ("places", "days"):
            return ()
    if len(held) + 1 > rulebook.places[supporter]:
        steps.append(("place", supporter, tuple(float(size) for size in range(1, _MOST_PLACES + 1))))
    short = int(
        rulebook.days_asked[held].sum() + rulebook.days_asked[need] - min(rulebook.days_offered[supporter], 1e12)
    )
    if short > 0:
        steps.append(("days", supporter, _days(market, need, supporter, short)))
    if "forbidden" in rules and "declined" in rules:
        steps = [step for number, step in enumerate(steps) if step not in steps[:number]]
    return tuple(steps)


def _fewer_days(question: _Question, ones: Iterable[tuple[float, int, _Sizes]]) -> Iterator[_Sizes]:
    """Half days less for the need, up to those that the supporter with the most days left is short of."""
    asked = int(question.market.rulebook.days_asked[question.need]) / 100
    short = [(size, supporter) for size, _, ((kind, supporter, _),) in ones if kind == "days"]
    if short:
        size, supporter = min(short)
        halves = math.ceil(2 * size)
        if halves / 2 < asked:
            yield (("fewer days", supporter, tuple(half / 2 for half in range(1, halves + 1))),)


def _untied(question: _Question, eligible: Positions) -> Iterator[_Sizes]:
    """What ties the need to others, where only that may keep eligible people from it."""
    market, need = question.market, question.need
    if len(eligible):
        best = int(eligible[np.argmax(market.rulebook.fits(np.full(len(eligible), need), eligible).score_milli)])
        rules = market.inputs.policy.rules
        for kind, holds in (
            ("package", market.rulebook.package[need] >= 0),
            ("people at a school", rules.max_supporters_per_school is not None),
            ("deployments from a home", rules.max_per_home_school is not None),
        ):
            if holds:
                yield ((kind, best, (1.0,)),)


def _limit_step(market: Market, need: int, supporter: int) -> tuple[str, int, tuple[float, ...]]:
    """Whole km further, up to those that bring the need within the limit; where the policy's is too small, its own."""
    km = float(market.rulebook.distance_km(np.array([need]), np.array([supporter]))[0])
    limit = float(market.rulebook.limit_km[supporter])
    most = math.ceil(km - limit)
    # The difference may have been rounded down.
    most += limit + most < km
    policy_limit = market.inputs.policy.max_distance_km[market.supporters[supporter]["designation"]]
    kind = "policy distance" if policy_limit < limit + most else "distance"
    return kind, supporter, tuple(float(size) for size in range(1, most + 1))


def _days(market: Market, need: int, supporter: int, short: int) -> tuple[float, ...]:
    """More days, up to those that are short: only sums that some of the supporter's needs could come to.

    With fewer days than such a sum nothing else would become possible than with the sum before it.
    """
    rulebook = market.rulebook
    pairs, offered = market.pairs, int(rulebook.days_offered[supporter])
    theirs = np.unique(
        np.concatenate(
            [
                pairs.need[pairs.supporter == supporter],
                rulebook.pins[0][rulebook.pins[1] == supporter],
                [need],
                _too_long(market, supporter),
            ]
        )
    )
    sums = 1
    for days in rulebook.days_asked[theirs].tolist():
        sums |= sums << days
    sizes = [size for size in range(1, short) if sums >> (offered + size) & 1]
    return tuple(size / 100 for size in [*sizes, short])


def _too_long(market: Market, supporter: int) -> Positions:
    """The needs that only the days of a supporter bar."""
    needs = np.arange(len(market.needs))
    broken = market.rulebook.broken(needs, np.full(len(needs), supporter))
    others = np.logical_or.reduce([broken[rule] for rule in RULES if rule not in ("days", "places")])
    return np.flatnonzero(broken["days"] & ~others)


def _holders_of_relief(question: _Question, eligible: Positions) -> list[int]:
    """Full supporters who could take over what the eligible ones hold, the best first."""
    pairs, before, rulebook = question.market.pairs, question.before, question.market.rulebook
    held = np.flatnonzero(np.isin(before, eligible) & (before != UNMET))
    those = np.isin(pairs.need, held) & ~np.isin(pairs.supporter, eligible)
    used = np.bincount(before[before != UNMET], minlength=len(rulebook.places))
    those &= (used >= rulebook.places)[pairs.supporter]
    order = np.argsort(-pairs.score_milli[those], kind="stable")
    return list(dict.fromkeys(pairs.supporter[those][order].tolist()))


def _in_turn(market: Market, need: int, candidates: list[tuple[float, int, _Sizes]]) -> list[_Sizes]:
    """The smallest and best of each kind, then the next of each, so that different ways are tried.

    What is changed for everybody is tried once, whoever it lets in, and after all else.
    """
    by_kind: dict[tuple[str, ...], list[_Sizes]] = {}
    seen: set[tuple[str, ...]] = set()
    for _, _, steps in sorted(candidates, key=lambda one: one[:2]):
        kinds = tuple(kind for kind, _, _ in steps)
        about = tuple(_same_for(market, need, kind, supporter) for kind, supporter, _ in steps)
        if about not in seen:
            by_kind.setdefault(kinds, []).append(steps)
        seen.add(about)
    by_kind = {kinds: rows[:_MOST_FOR_ALL] if set(kinds) & set(FOR_ALL) else rows for kinds, rows in by_kind.items()}
    turns = [steps for row in zip_longest(*by_kind.values()) for steps in row if steps is not None]
    return sorted(turns, key=lambda steps: sum(kind in FOR_ALL for kind, _, _ in steps))


def _same_for(market: Market, need: int, kind: str, supporter: int) -> str:
    """What two steps have in common that are one change."""
    who = market.supporters[supporter]
    return {
        "same trust": kind,
        "policy distance": f"{kind} {who['designation']}",
        "specialism": f"{kind} {related_specialisms(market, need, supporter)[:1]}",
        "designation": f"{kind} {who['designation']}",
    }.get(kind, f"{kind} {who['supporter_id']}")


def _change_words(steps: Sequence[Step]) -> str:
    return " and ".join(step.words if step is steps[0] else _lower(step.words) for step in steps)


def _repair_sentence(question: _Question, change: str, displaced: pd.DataFrame, *, proved: bool) -> str:
    others = displaced.iloc[1:]
    own_level = question.market.needs[question.need]["priority"]
    lost, gained = (others[others["change"] == kind] for kind in ("lost", "gained"))
    moved = int((others["change"] == "moved").sum())
    told = []
    if moved:
        told.append(f"move {counted(moved, 'other deployment')}")
    if len(gained):
        told.append(f"meet {_named(gained['need_id'].tolist())} as well")
    if not len(others):
        told.append("change nothing else")
    start = f"{change} would meet it"
    sentence = f"{start}{' and ' if told else ''}{_listed(told) if told else ''}"
    if len(lost):
        same = (lost["priority"] == own_level).any()
        priority = "the same" if same else "another"
        which = "which is" if len(lost) == 1 else "some of them"
        sentence += f", but would leave {_named(lost['need_id'].tolist())} unmet, {which} of {priority} priority"
    doubt = "" if proved else " (as far as the search went)"
    return f"{sentence}{doubt}."


def _named(need_ids: list[str]) -> str:
    return _listed(need_ids) if len(need_ids) <= _MOST_NAMED else f"{len(need_ids):,} other needs"


def _lower(words: str) -> str:
    return words[0].lower() + words[1:]


def _listed(words: Sequence[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last
