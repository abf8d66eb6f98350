"""Why no eligible supporter takes a need: places, days, limits on schools and packages; and the nearest option."""

import numpy as np

from matching.pairs.eligible import Pairs
from matching.pairs.market import Market
from matching.plan.outcome import Outcome, Remaining
from matching.plan.phrases import person
from matching.plan.unmet import wording
from matching.plan.unmet.no_one_eligible import why_no_one_eligible
from matching.plan.unmet.wording import Unmet
from matching.solve.problem import Flags, Positions


def why_no_one_free(
    market: Market, outcome: Outcome, remaining: Remaining, needs: Positions, pairs: Pairs, *, proved: bool
) -> dict[int, Unmet]:
    """Return why each of these unmet needs is unmet, by the need's position, given all of their eligible pairs.

    `proved` is whether the outcome is known to be the best.
    """
    which, counts = _pairs_of(pairs, needs), remaining.counts
    need_of, who = pairs.need[which], pairs.supporter[which]
    is_free = ~remaining.is_full[who] & remaining.has_days(market, need_of, who)
    over_school = counts.over_school(need_of, who)
    is_open = is_free & ~over_school & ~counts.over_home(need_of, who)
    in_package = (market.rulebook.package >= 0) & (outcome.origin != "pinned")
    sizes = pairs.count_by_need()[needs]
    ends = np.cumsum(sizes)
    found: dict[int, Unmet] = {}
    taken = []
    for need, start, end in zip(needs.tolist(), (ends - sizes).tolist(), ends.tolist(), strict=True):
        free, open_, over = is_free[start:end], is_open[start:end], over_school[start:end]
        if in_package[need]:
            found[need] = _package(market, outcome, remaining, need)
        elif open_.any():
            people = who[start:end][open_]
            found[need] = wording.still_open(len(people), person(market, int(people[0])))
        elif free.any():
            found[need] = _limited(market, who[start:end][free], over[free])
        else:
            taken.append(need)
    return found | _taken(market, outcome, remaining, np.array(taken, dtype=np.intp), pairs, proved=proved)


def _pairs_of(pairs: Pairs, needs: Positions) -> Positions:
    """Return where the pairs of some needs are, need after need."""
    sizes = pairs.count_by_need()[needs]
    first: Positions = np.repeat(pairs.start[needs] - (np.cumsum(sizes) - sizes), sizes)
    return first + np.arange(len(first))


def _package(market: Market, outcome: Outcome, remaining: Remaining, need: int) -> Unmet:
    package = market.needs[need]["package"]
    needs = np.flatnonzero(market.rulebook.package == market.rulebook.package[need])
    needs = needs[outcome.origin[needs] != "pinned"]
    ineligible = needs[market.eligible_by_need[needs] == 0]
    if len(ineligible):
        first = int(ineligible[0])
        why = why_no_one_eligible(market, ineligible[:1])[first]
        return wording.package_ineligible(len(needs), package, market.needs[first]["need_id"], why)
    for one in needs.tolist():
        pairs = market.pairs_of_need(one)
        who = pairs.supporter[pairs.of_need(one)]
        if not (~remaining.is_full[who] & remaining.has_days(market, np.full(len(who), one), who)).any():
            option = _one_more(market, remaining, np.array([one]), pairs)[one]
            return wording.package_full(len(needs), package, market.needs[one]["need_id"], option)
    pairs = market.pairs_of_need(need)
    return wording.package_short(len(needs), package, person(market, int(pairs.supporter[pairs.of_need(need)][0])))


def _limited(market: Market, free: Positions, over_school: Flags) -> Unmet:
    """Return the reason where a limit on the school or on home schools bars everyone who is free."""
    rules = market.inputs.policy.rules
    if over_school.all():
        return wording.school_limit(len(free), person(market, int(free[0])), rules.max_supporters_per_school or 0)
    first = int(free[~over_school][0])
    home = str(market.inputs.schools["name"].iat[int(market.rulebook.home_school[first])])
    limit = rules.max_per_home_school or 0
    return wording.home_limit(len(free), person(market, first), home, limit, or_school=bool(over_school.any()))


def _taken(
    market: Market, outcome: Outcome, remaining: Remaining, needs: Positions, pairs: Pairs, *, proved: bool
) -> dict[int, Unmet]:
    """Return the reasons of needs for which every eligible supporter lacks a place or the days."""
    met, level, pinned = remaining.met, remaining.level, outcome.origin == "pinned"
    least_urgent = _least_urgent(outcome, level, met & ~pinned, len(remaining.is_full))
    least_urgent_pin = _least_urgent(outcome, level, met & pinned, len(remaining.is_full))
    days, options = market.rulebook.days_asked.tolist(), _one_more(market, remaining, needs, pairs)
    found = {}
    for need in needs.tolist():
        who = pairs.supporter[pairs.of_need(need)]
        with_place = int(np.count_nonzero(~remaining.is_full[who]))
        why_full = "as_urgent"
        if (least_urgent[who] > level[need]).any():
            # In a proved plan only where days bind: a less urgent need has too few of them, or frees nothing by itself.
            why_full = "no_gain" if proved else "less_urgent"
        elif (least_urgent_pin[who] > level[need]).any():
            why_full = "pinned"
        reason = wording.no_one_free(len(who), with_place, days[need] / 100, why_full)
        found[need] = Unmet("days_used_up" if with_place else "all_full", reason, options[need])
    return found


def _least_urgent(outcome: Outcome, level: Positions, considered: Flags, n_supporters: int) -> Positions:
    """Return, by supporter, the level of the least urgent of their needs that are considered; -1 without one."""
    least = np.full(n_supporters, -1)
    np.maximum.at(least, outcome.supporter_of[considered], level[considered])
    return least


def _one_more(market: Market, remaining: Remaining, needs: Positions, pairs: Pairs) -> dict[int, str]:
    """Return, by need, what the best placed would have to offer as well: of those with the days left, if any have."""
    rulebook, days_left = market.rulebook, remaining.days_left
    these = _pairs_of(pairs, needs)
    too_few_days = ~remaining.has_days(market, pairs.need[these], pairs.supporter[these])
    order = np.lexsort((-pairs.score_milli[these], too_few_days, pairs.need[these]))
    first = np.unique(pairs.need[these][order], return_index=True)[1]
    best = these[order[first]]
    need, who = pairs.need[best], pairs.supporter[best]
    # Pins may have taken more than the supporter has.
    lacking = np.where(too_few_days[order][first], rulebook.days_asked[need] - days_left[who], 0) / 100
    # As lists, because single numbers of an array are slow to look up.
    places = 1 - remaining.places_left[who]
    columns = (need, who, places, lacking, pairs.distance_km[best], pairs.score_milli[best] / 1000)
    return {
        one: wording.one_more(person(market, supporter), places=more, days=short, km=km, score=score)
        for one, supporter, more, short, km, score in zip(*(column.tolist() for column in columns), strict=True)
    }
