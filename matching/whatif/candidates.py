"""The changes that may meet an unmet need, the most promising first; `repairs` tries them."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import NamedTuple

import numpy as np

from matching.pairs.market import Market
from matching.pairs.rules import RULES
from matching.solve.problem import UNMET, Positions
from matching.whatif.remedies import OF_POLICY, Kind, related_specialisms

# How many more places a supporter is asked for, and how many km further to travel, at most.
_MOST_PLACES = 2
_MOST_KM = 25
# How much later a need is asked to start, at most: half a term.
_MOST_DAYS_LATER = 42
# Of one kind of change of the policy: which specialisms are close to one another is a matter of judgement.
_MOST_OF_POLICY = 2
_KIND_OF_RULE = {
    "same trust": Kind.SAME_TRUST,
    "same federation": Kind.SAME_FEDERATION,
    "designation": Kind.DESIGNATION,
    "specialism": Kind.SPECIALISM,
    "forbidden": Kind.DECISION,
    "declined": Kind.DECISION,
}


class Change(NamedTuple):
    """One change, and the sizes to try: the last is sure to be large enough."""

    kind: Kind
    supporter: int
    sizes: tuple[float, ...] = (1.0,)


Candidate = tuple[Change, ...]
"""One change, or two that only work together."""


class _Ranked(NamedTuple):
    size: float
    minus_score: int
    candidate: Candidate


@dataclass(frozen=True)
class Question:
    """Which need is to be met, in which market, and who serves which need before: by need, the supporter."""

    market: Market
    before: Positions
    need: int

    @property
    def need_id(self) -> str:
        """The need's identifier."""
        return str(self.market.needs[self.need]["need_id"])

    def someone_is_free(self) -> bool:
        """Return whether an eligible supporter has a place and the days with nothing changed."""
        pairs = self.market.pairs
        return any(not _changes_for(self, one, ()) for one in pairs.supporter[pairs.of_need(self.need)].tolist())


def candidates(question: Question) -> tuple[list[Candidate], list[Candidate]]:
    """Return single changes, and pairs of changes, that may meet the need, the most promising first."""
    market, need = question.market, question.need
    rulebook, everyone = market.rulebook, np.arange(len(market.supporters))
    same_need = np.full(len(everyone), need)
    broken = rulebook.broken(same_need, everyone)
    score = rulebook.fits(same_need, everyone).score_milli
    count = np.sum([broken[rule] for rule in RULES], axis=0)
    ones: list[_Ranked] = []
    twos: list[_Ranked] = []
    for supporter in np.flatnonzero(count <= 2).tolist():
        changes = _changes_for(question, supporter, [rule for rule in RULES if broken[rule][supporter]])
        if len(changes) == 2:
            # One place by itself may go to another need; together with something else it is meant for this one.
            changes = tuple(one._replace(sizes=one.sizes[:1]) if one.kind == Kind.PLACE else one for one in changes)
        if changes and len(changes) <= 2 and not any(map(_is_too_much, changes)):
            size = sum(change.sizes[-1] for change in changes)
            (ones if len(changes) == 1 else twos).append(_Ranked(size, -int(score[supporter]), changes))
    eligible = np.flatnonzero(count == 0)
    ones += [_Ranked(one.sizes[-1], 0, (one,)) for one in (*_fewer_days(question, ones), *_limits(question, eligible))]
    # Another need may take the place of someone whom a single change makes eligible.
    twos += [
        _Ranked(size + 1, fit, (change, Change(Kind.PLACE, change.supporter)))
        for size, fit, (change,) in ones
        if change.kind not in (Kind.PLACE, Kind.DAYS, Kind.FEWER_DAYS)
    ]
    ones += [_Ranked(_MOST_PLACES, 0, (Change(Kind.PLACE, one),)) for one in _who_could_take_over(question, eligible)]
    twos = [one for one in twos if all(change.kind != Kind.SPECIALISM for change in one.candidate)]
    return _in_turn(market, need, ones), _in_turn(market, need, twos)


def _is_too_much(change: Change) -> bool:
    most = {Kind.DISTANCE: _MOST_KM, Kind.POLICY_DISTANCE: _MOST_KM, Kind.LATER: _MOST_DAYS_LATER}
    return change.sizes[-1] > most.get(change.kind, math.inf)


def _changes_for(question: Question, supporter: int, rules: Sequence[str]) -> Candidate:
    """Return the changes that would lift these rules; none where one cannot be lifted, or nothing is in the way."""
    market, need = question.market, question.need
    rulebook = market.rulebook
    held = np.flatnonzero(question.before == supporter)
    changes: list[Change] = []
    for rule in rules:
        if rule == "distance":
            changes.append(_further(market, need, supporter))
        elif rule == "dates" and (later := _days_later(market, need, supporter)):
            changes.append(Change(Kind.LATER, supporter, (later,)))
        elif rule in _KIND_OF_RULE and (rule != "specialism" or related_specialisms(market, need, supporter)):
            changes.append(Change(_KIND_OF_RULE[rule], supporter))
        elif rule not in ("places", "days"):
            return ()
    # More than one where pins take more places than there are.
    least = len(held) + 1 - int(rulebook.places[supporter])
    if least > 0:
        changes.append(Change(Kind.PLACE, supporter, tuple(float(size) for size in range(least, least + _MOST_PLACES))))
    days_offered = min(rulebook.days_offered[supporter], 1e12)
    short = int(rulebook.days_asked[held].sum() + rulebook.days_asked[need] - days_offered)
    if short > 0:
        changes.append(Change(Kind.DAYS, supporter, _days(market, need, supporter, short)))
    # One change undoes both a ban and a decline.
    return tuple(dict.fromkeys(changes))


def _fewer_days(question: Question, ones: Iterable[_Ranked]) -> Iterator[Change]:
    """Half days fewer for the need, up to those that the supporter with the most days left is short of."""
    asked = int(question.market.rulebook.days_asked[question.need]) / 100
    short = [(size, change.supporter) for size, _, (change,) in ones if change.kind == Kind.DAYS]
    if short:
        size, supporter = min(short)
        halves = math.ceil(2 * size)
        if halves / 2 < asked:
            yield Change(Kind.FEWER_DAYS, supporter, tuple(half / 2 for half in range(1, halves + 1)))


def _limits(question: Question, eligible: Positions) -> Iterator[Change]:
    """The package and the limits on schools, where they alone may keep eligible people from the need."""
    market, need = question.market, question.need
    if len(eligible):
        best = int(eligible[np.argmax(market.rulebook.fits(np.full(len(eligible), need), eligible).score_milli)])
        rules = market.inputs.policy.rules
        for kind, applies in (
            (Kind.PACKAGE, market.rulebook.package[need] >= 0),
            (Kind.SCHOOL_LIMIT, rules.max_supporters_per_school is not None),
            (Kind.HOME_LIMIT, rules.max_per_home_school is not None),
        ):
            if applies:
                yield Change(kind, best)


def _further(market: Market, need: int, supporter: int) -> Change:
    """Whole km further, up to those that reach the need; of the policy where its limit is below that."""
    km = float(market.rulebook.distance_km(np.array([need]), np.array([supporter]))[0])
    limit = float(market.rulebook.limit_km[supporter])
    most = math.ceil(km - limit)
    # The difference may have been rounded down.
    most += limit + most < km
    policy_limit = market.inputs.policy.max_distance_km[market.supporters[supporter]["designation"]]
    kind = Kind.POLICY_DISTANCE if policy_limit < limit + most else Kind.DISTANCE
    return Change(kind, supporter, tuple(float(size) for size in range(1, most + 1)))


def _days_later(market: Market, need: int, supporter: int) -> float:
    """Return in how many days after the need's a supporter is available; 0 if never again."""
    _, after = market.rulebook.absence_of(need, supporter) or (None, None)
    return float((after - market.rulebook.day_of(need)).days) if after else 0.0


def _days(market: Market, need: int, supporter: int, short: int) -> tuple[float, ...]:
    """Return the numbers of more days to try, up to those that are short (in hundredths)."""
    rulebook = market.rulebook
    pairs, offered = market.pairs, int(rulebook.days_offered[supporter])
    pinned = rulebook.pins[0][rulebook.pins[1] == supporter]
    eligible = pairs.need[pairs.supporter == supporter]
    theirs = np.unique(np.concatenate([eligible, pinned, [need], _barred_by_days(market, supporter)]))
    # Only sums that some of the needs could come to: nothing becomes possible between two such sums.
    sums = 1
    for days in rulebook.days_asked[theirs].tolist():
        sums |= sums << days
    sizes = [size for size in range(1, short) if sums >> (offered + size) & 1]
    return tuple(size / 100 for size in [*sizes, short])


def _barred_by_days(market: Market, supporter: int) -> Positions:
    """Return the needs that only the days of a supporter bar."""
    needs = np.arange(len(market.needs))
    broken = market.rulebook.broken(needs, np.full(len(needs), supporter))
    others = np.logical_or.reduce([broken[rule] for rule in RULES if rule not in ("days", "places")])
    return np.flatnonzero(broken["days"] & ~others)


def _who_could_take_over(question: Question, eligible: Positions) -> list[int]:
    """Return full supporters who could take over what the eligible ones hold, the best first."""
    pairs, before, rulebook = question.market.pairs, question.before, question.market.rulebook
    held = np.flatnonzero(np.isin(before, eligible) & (before != UNMET))
    those = np.isin(pairs.need, held) & ~np.isin(pairs.supporter, eligible)
    used = np.bincount(before[before != UNMET], minlength=len(rulebook.places))
    those &= (used >= rulebook.places)[pairs.supporter]
    order = np.argsort(-pairs.score_milli[those], kind="stable")
    return list(dict.fromkeys(pairs.supporter[those][order].tolist()))


def _in_turn(market: Market, need: int, ranked: list[_Ranked]) -> list[Candidate]:
    """Return the smallest and best of each kind, then the next of each, so that different ways are tried.

    A change of the policy is tried once, whichever supporter it makes eligible, and last.
    """
    by_kinds: dict[tuple[Kind, ...], list[Candidate]] = {}
    seen: set[tuple[str, ...]] = set()
    for _, _, candidate in sorted(ranked, key=lambda one: one[:2]):
        subjects = tuple(_subject(market, need, change) for change in candidate)
        if subjects not in seen:
            by_kinds.setdefault(tuple(change.kind for change in candidate), []).append(candidate)
        seen.add(subjects)
    by_kinds = {kinds: rows[:_MOST_OF_POLICY] if OF_POLICY & set(kinds) else rows for kinds, rows in by_kinds.items()}
    turns = [candidate for row in zip_longest(*by_kinds.values()) for candidate in row if candidate is not None]
    return sorted(turns, key=lambda candidate: sum(change.kind in OF_POLICY for change in candidate))


def _subject(market: Market, need: int, change: Change) -> str:
    """Return what two changes share that are one and the same."""
    who = market.supporters[change.supporter]
    subject = who["supporter_id"]
    if change.kind in (Kind.SAME_TRUST, Kind.SAME_FEDERATION):
        subject = ""
    elif change.kind in (Kind.POLICY_DISTANCE, Kind.DESIGNATION):
        subject = who["designation"]
    elif change.kind == Kind.SPECIALISM:
        subject = f"{related_specialisms(market, need, change.supporter)[:1]}"
    return f"{change.kind} {subject}"
