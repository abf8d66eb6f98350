"""Why each deployment, and why each need without one: sentences a head teacher can be shown.

Every sentence is made from the rules and the outcome alone, so anyone who has both can make it again and compare.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from matching.accreditation import failed_criteria
from matching.errors import counted
from matching.pairs.eligible import Pairs
from matching.pairs.market import Market
from matching.pairs.side_constraints import OutcomeCounts, side_constraint_notices
from matching.plan.no_one_eligible import nobody_eligible
from matching.plan.phrases import bar_phrases, joined, people_asked, person
from matching.solve.arrays import Positions
from matching.solve.problem import UNMET
from matching.tables.grid import kilometres

Flags = NDArray[np.bool_]

# Why a need is unmet, and what the code says in general; in the order in which they are looked for.
UNMET_REASONS: Mapping[str, str] = {
    "none_in_reach": "nobody of an accepted designation who can be deployed is near enough",
    "no_specialism": "nobody of those who can be deployed has the specialism",
    "no_phase": "nobody with the specialism supports the school's phase",
    "too_far": "those with the specialism and the phase are too far away",
    "not_independent": "those near enough are of the school or its trust, or have declared a conflict",
    "decided_against": "those who would be eligible were forbidden or have declined",
    "too_many_days": "the need asks more days than anybody eligible offers",
    "all_full": "everybody eligible is full",
    "days_used_up": "everybody eligible is full or has too few days left",
    "package": "the needs of its package cannot all be met, and none may be met alone",
    "school_limit": "as many people as may already come to the school",
    "home_limit": "as many deployments as may already leave the home schools of those who are free",
}
# Only of a plan that was changed by hand: the best plan leaves nobody free whom an unmet need could have.
STILL_OPEN = "still_open"

EXCLUDED_REASONS: Mapping[str, str] = {
    "not_accredited": "a criterion of the designation is not met or not evidenced",
    "no_places": "the supporter offers no place",
}


@dataclass(frozen=True)
class Outcome:
    """Who serves which need.

    Attributes
    ----------
    supporter_of : ndarray of intp
        By need: the supporter, or `UNMET`.
    origin : ndarray of object
        By need: `optimised`, `pinned` or `kept`; empty for an unmet need.
    """

    supporter_of: Positions
    origin: NDArray[np.object_]

    def used(self, market: Market) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Deployments, and days in hundredths, of each supporter."""
        met = self.supporter_of != UNMET
        count = len(market.inputs.supporters)
        deployments = np.bincount(self.supporter_of[met], minlength=count)
        days = np.bincount(self.supporter_of[met], weights=market.rulebook.days_asked[met], minlength=count)
        return deployments.astype(np.int64), np.rint(days).astype(np.int64)


@dataclass(frozen=True)
class Reasons:
    """Why each need has whom it has, or nobody.

    Attributes
    ----------
    deployed : mapping of int to str
        A sentence for each met need, by the need's position.
    unmet : DataFrame
        Columns need (position), reason_code, reason and nearest_option; one row for each unmet need.
    eligible_pairs : int
        How many pairs were looked at: all that are eligible.
    """

    deployed: Mapping[int, str]
    unmet: pd.DataFrame
    eligible_pairs: int


def reasons_of(market: Market, outcome: Outcome, *, proved: bool = True) -> Reasons:
    """Say why, need by need.

    `proved` says whether the outcome is known to be the best: of another one nobody can say that no change would help.
    """
    use = _Use.of(market, outcome)
    deployed: dict[int, str] = {}
    rows: list[tuple[int, str, str, str]] = []
    alone: list[Positions] = []
    eligible_pairs = 0
    for needs, pairs in market.blocks():
        asking = np.arange(needs.start, needs.stop)
        met, has_pairs = use.met[needs], pairs.count_by_need()[needs] > 0
        deployed |= _deployed(market, outcome, use, asking[met], pairs)
        rows += _everybody_taken(market, outcome, use, asking[~met & has_pairs], pairs, proved)
        alone.append(asking[~met & ~has_pairs])
        eligible_pairs += len(pairs)
    rows += [
        (need, why.code, why.reason, why.nearest_option)
        for need, why in nobody_eligible(market, np.concatenate(alone)).items()
    ]
    unmet = pd.DataFrame(rows, columns=["need", "reason_code", "reason", "nearest_option"])
    return Reasons(deployed, unmet.sort_values("need", ignore_index=True), eligible_pairs)


@dataclass(frozen=True)
class _Use:
    """What an outcome leaves of everybody.

    Attributes
    ----------
    met : ndarray of bool
        By need.
    level : ndarray of intp
        By need: 0 critical, 1 high, 2 normal.
    is_full : ndarray of bool
        By supporter.
    days_left : ndarray of float64
        By supporter, in hundredths; infinite without a limit.
    standing : OutcomeCounts
        As the rules see it that tie needs and supporters together.
    """

    met: Flags
    level: Positions
    is_full: Flags
    days_left: NDArray[np.float64]
    standing: OutcomeCounts

    @classmethod
    def of(cls, market: Market, outcome: Outcome) -> "_Use":
        rulebook, supporter_of = market.rulebook, outcome.supporter_of
        deployments, days = outcome.used(market)
        return cls(
            supporter_of != UNMET,
            rulebook.priority_level,
            deployments >= rulebook.places,
            rulebook.days_offered - days,
            OutcomeCounts(rulebook, supporter_of),
        )


def _deployed(market: Market, outcome: Outcome, use: _Use, met: Positions, pairs: Pairs) -> dict[int, str]:
    """A sentence for each of these met needs, given all of their pairs."""
    rulebook, chosen = market.rulebook, outcome.supporter_of[met]
    fits = rulebook.fits(met, chosen)
    standing = _standing(market, outcome, use, pairs)
    eligible = pairs.count_by_need().tolist()
    # As lists, because single numbers of an array are slow to look up.
    columns = (met, chosen, outcome.origin[met], fits.distance_km, fits.phase, fits.specialism)
    sentences = {}
    for need, supporter, origin, km, phase_fit, specialism_fit in zip(*(one.tolist() for one in columns), strict=True):
        far, phase = kilometres(km), _phase_words(phase_fit)
        if origin == "pinned":
            sentences[need] = _pin_sentence(market, need, supporter, f"{far}, {phase}")
            continue
        who = people_asked(market, need, related=specialism_fit < 1)
        sentence = f"{standing.describe(need, eligible[need], who)}: {far}, {phase}."
        if origin == "kept":
            sentence = f"Kept from the earlier plan. {sentence}"
        sentences[need] = sentence + standing.better_placed(need)
    return sentences


def excluded_reasons(market: Market) -> pd.DataFrame:
    """Columns supporter (position), reason_code and reason; one row for each supporter who cannot be deployed."""
    supporter_ids = market.inputs.supporters["supporter_id"].tolist()
    failed = failed_criteria(market.verdicts).to_dict()
    rows = []
    for supporter in np.flatnonzero(~market.rulebook.available).tolist():
        if not market.rulebook.accredited[supporter]:
            criteria = failed[supporter_ids[supporter]]
            rows.append((supporter, "not_accredited", f"Not accredited: {criteria}."))
        else:
            rows.append((supporter, "no_places", "Offers no place: max_deployments is 0."))
    return pd.DataFrame(rows, columns=["supporter", "reason_code", "reason"])


def decision_notices(market: Market, outcome: Outcome) -> list[str]:
    """What a reader of the plan should know of pins that break a rule, and of an earlier plan."""
    notices = []
    for need, supporter in zip(*(one.tolist() for one in market.rulebook.pins), strict=True):
        if phrases := bar_phrases(market, need, supporter):
            notices.append(
                f"The pin of {person(market, supporter)} to need {market.needs[need]['need_id']} is kept, "
                f"although the supporter {joined(phrases)}."
            )
    notices += side_constraint_notices(market.rulebook, outcome.supporter_of)
    earlier = np.divmod(market.rulebook.earlier, max(len(market.inputs.supporters), 1))
    barred = int((~market.rulebook.eligible(*earlier)).sum())
    if barred:
        notices.append(f"{counted(barred, 'deployment')} of the earlier plan would now break a rule.")
    return notices


# ---- deployments ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Standing:
    """By need: how the chosen supporter compares with the others who are eligible; the first four are counts."""

    better_full: list[int]
    better_short_of_days: list[int]
    better_free: list[int]
    better_tied: list[int]
    any_short_of_days: list[bool]
    is_closest: list[bool]
    is_closest_free: list[bool]
    is_best_free: list[bool]

    def describe(self, need: int, eligible: int, who: tuple[str, str]) -> str:
        """What the chosen supporter is among the eligible ones."""
        one, several = who
        if eligible == 1:
            return f"The only eligible {one}"
        better = self.better_full[need] + self.better_short_of_days[need] + self.better_free[need]
        if better + self.better_tied[need] == 0:
            return f"{'Closest' if self.is_closest[need] else 'Best placed'} of {eligible:,} eligible {several}"
        left = "a place and the days" if self.any_short_of_days[need] else "a place"
        if self.is_best_free[need]:
            return f"{'Closest' if self.is_closest_free[need] else 'Best placed'} {one} with {left}"
        return f"One of {eligible:,} eligible {several}"

    def better_placed(self, need: int) -> str:
        """What became of those who score higher."""
        parts = []
        if self.better_full[need]:
            parts.append(
                f"{counted(self.better_full[need], 'person', 'people')} with a higher score "
                f"{'is' if self.better_full[need] == 1 else 'are'} full"
            )
        if self.better_short_of_days[need]:
            some = self.better_short_of_days[need]
            verb = "has" if some == 1 else "have"
            parts.append(f"{counted(some, 'person', 'people')} with a higher score {verb} too few days left")
        if self.better_tied[need]:
            parts.append(
                f"{counted(self.better_tied[need], 'person', 'people')} with a higher score would be one too many "
                "at a school"
            )
        if self.better_free[need]:
            parts.append(f"{counted(self.better_free[need], 'person', 'people')} with a higher score could take it")
        return f" {'; '.join(parts)}." if parts else ""


def _standing(market: Market, outcome: Outcome, use: _Use, pairs: Pairs) -> _Standing:
    chosen = outcome.supporter_of[pairs.need] == pairs.supporter
    n_needs = len(outcome.supporter_of)
    score = np.full(n_needs, -1, dtype=np.int64)
    score[pairs.need[chosen]] = pairs.score_milli[chosen]
    distance = np.zeros(n_needs)
    distance[pairs.need[chosen]] = pairs.distance_km[chosen]

    full = use.is_full[pairs.supporter]
    short = ~full & (market.rulebook.days_asked[pairs.need] > use.days_left[pairs.supporter])
    standing = use.standing
    over = standing.over_school(pairs.need, pairs.supporter) | standing.over_home(pairs.need, pairs.supporter)
    tied = ~full & ~short & over
    free = ~full & ~short & ~over
    better = pairs.score_milli > score[pairs.need]
    closer = pairs.distance_km < distance[pairs.need]

    def count(flags: Flags) -> list[int]:
        return list(np.bincount(pairs.need[flags], minlength=n_needs).tolist())

    def none(flags: Flags) -> list[bool]:
        return [one == 0 for one in count(flags)]

    return _Standing(
        better_full=count(better & full),
        better_short_of_days=count(better & short),
        better_free=count(better & free),
        better_tied=count(better & tied),
        any_short_of_days=[one > 0 for one in count(short)],
        is_closest=none(closer),
        is_closest_free=none(closer & free),
        is_best_free=none(better & free),
    )


def _phase_words(fit: float) -> str:
    if fit >= 1:
        return "same phase"
    return "related phase" if fit > 0 else "other phase"


def _pin_sentence(market: Market, need: int, supporter: int, facts: str) -> str:
    decisions = market.inputs.decisions
    row = decisions[
        (decisions["kind"] == "pin")
        & (decisions["need_id"] == market.needs[need]["need_id"])
        & (decisions["supporter_id"] == market.supporters[supporter]["supporter_id"])
    ].iloc[0]
    who = f" by {row['by']}" if row["by"] else ""
    why = f" ({row['reason']})" if row["reason"] else ""
    return f"Pinned{who}{why}: {facts}."


# ---- unmet needs ---------------------------------------------------------------------------------------------------


def _everybody_taken(
    market: Market, outcome: Outcome, use: _Use, needs: Positions, pairs: Pairs, proved: bool
) -> list[tuple[int, str, str, str]]:
    """Each of these unmet needs, for all of whose pairs something is in the way, and what."""
    rulebook, met, level, standing = market.rulebook, use.met, use.level, use.standing
    pinned = outcome.origin == "pinned"
    least_urgent = _least_urgent(outcome, level, met & ~pinned, len(use.is_full))
    least_urgent_pin = _least_urgent(outcome, level, met & pinned, len(use.is_full))
    these = _pairs_of(pairs, needs)
    need_of, who = pairs.need[these], pairs.supporter[these]
    place_left = ~use.is_full[who]
    free = place_left & (rulebook.days_asked[need_of] <= use.days_left[who])
    over_school, over_home = standing.over_school(need_of, who), standing.over_home(need_of, who)
    still_open = free & ~over_school & ~over_home
    with_place = np.bincount(need_of[place_left], minlength=len(met)).tolist()
    any_free, any_open = _with_any(need_of, free, len(met)), _with_any(need_of, still_open, len(met))
    any_less_urgent = _with_any(need_of, least_urgent[who] > level[need_of], len(met))
    any_less_urgent_pin = _with_any(need_of, least_urgent_pin[who] > level[need_of], len(met))
    eligible, days_asked = pairs.count_by_need().tolist(), rulebook.days_asked.tolist()
    in_package = (rulebook.package >= 0) & ~pinned
    nobody_free = needs[~(in_package | any_open | any_free)[needs]]
    one_more = _one_more(market, use, nobody_free, pairs)
    rows = []
    for need in needs.tolist():
        if in_package[need]:
            rows.append((need, "package", *_package_unmet(market, outcome, use, need)))
            continue
        if any_open[need]:
            rows.append((need, STILL_OPEN, *_still_open(market, who[still_open & (need_of == need)])))
            continue
        if any_free[need]:
            those = free & (need_of == need)
            rows.append((need, *_tied(market, need, who[those], over_school[those])))
            continue
        code = "days_used_up" if with_place[need] else "all_full"
        full = "full with needs of the same or higher priority"
        if any_less_urgent[need]:
            # Only where days bind: what a less urgent need holds would not be enough, or frees nothing by itself.
            full = "full, and giving up what they hold would not meet more"
            if not proved:
                full = "full, in part with less urgent needs"
        elif any_less_urgent_pin[need]:
            full = "full, in part with needs that were pinned to them"
        sentence = _taken_sentence(eligible[need], with_place[need], days_asked[need] / 100, full)
        rows.append((need, code, sentence, one_more[need]))
    return rows


def _with_any(need_of: Positions, flags: Flags, n_needs: int) -> Flags:
    """By need: whether any of its pairs is flagged."""
    found = np.zeros(n_needs, dtype=bool)
    found[need_of[flags]] = True
    return found


def _pairs_of(pairs: Pairs, needs: Positions) -> Positions:
    """Where the pairs of some needs are."""
    sizes = pairs.count_by_need()[needs]
    first: Positions = np.repeat(pairs.start[needs] - (np.cumsum(sizes) - sizes), sizes)
    return first + np.arange(len(first))


def _package_unmet(market: Market, outcome: Outcome, use: _Use, need: int) -> tuple[str, str]:
    """Reason and nearest option of a need whose package is not met."""
    package = market.needs[need]["package"]
    needs = np.flatnonzero(market.rulebook.package == market.rulebook.package[need])
    needs = needs[outcome.origin[needs] != "pinned"]
    alone = needs[market.eligible_by_need[needs] == 0]
    start = f"The {counted(len(needs), 'need')} of package {package} are met together or not at all"
    if len(alone):
        first = int(alone[0])
        why = nobody_eligible(market, alone[:1])[first]
        return f"{start}, and {market.needs[first]['need_id']} has nobody: {why.reason}", why.nearest_option
    for one in needs.tolist():
        pairs = market.pairs_of_need(one)
        those = pairs.supporter[pairs.of_need(one)]
        has_room = ~use.is_full[those] & (market.rulebook.days_asked[one] <= use.days_left[those])
        if not has_room.any():
            words = f"{start}, and nobody eligible is free for {market.needs[one]['need_id']}."
            return words, _one_more(market, use, np.array([one]), pairs)[one]
    pairs = market.pairs_of_need(need)
    those = pairs.supporter[pairs.of_need(need)]
    who = person(market, int(those[0]))
    return f"{start}, and those who are free cannot take them all.", f"{who} is eligible for this one."


def _tied(market: Market, need: int, free: Positions, over_school: Flags) -> tuple[str, str, str]:
    """Reason code, reason and nearest option where those who are free would be one too many at a school."""
    rules = market.inputs.policy.rules
    who = counted(len(free), "eligible person has", "eligible people have")
    first = person(market, int(free[0]))
    if over_school.all():
        come = counted(rules.max_supporters_per_school or 0, "person comes", "people come")
        sentence = f"{who} a place and the days, but {come} to the school already, and no more may."
        return "school_limit", sentence, f"With one more person allowed at the school, {first} could take it."
    home = market.inputs.schools["name"].iat[int(market.rulebook.home_school[free[~over_school][0]])]
    first = person(market, int(free[~over_school][0]))
    leave = counted(rules.max_per_home_school or 0, "deployment leaves", "deployments leave")
    sentence = f"{who} a place and the days, but {leave} their school already, and no more may."
    if over_school.any():
        sentence = f"{who} a place and the days, but would be one too many for this school or for their own."
    return "home_limit", sentence, f"With one more deployment allowed from {home}, {first} could take it."


def _still_open(market: Market, free: Positions) -> tuple[str, str]:
    """Reason and nearest option where people are free: only a plan that was changed by hand leaves them so."""
    who = counted(len(free), "eligible person has", "eligible people have")
    first = person(market, int(free[0]))
    return f"{who} a place and the days; the plan does not use them.", f"{first} could take it as things stand."


def _least_urgent(outcome: Outcome, level: Positions, counted_needs: Flags, n_supporters: int) -> Positions:
    """By supporter: the level of the least urgent of the needs that count; -1 without one."""
    least = np.full(n_supporters, -1)
    np.maximum.at(least, outcome.supporter_of[counted_needs], level[counted_needs])
    return least


def _taken_sentence(eligible: int, has_place: int, days_asked: float, full: str) -> str:
    """Why none of the eligible people is left; `has_place` of them lack only the days."""
    subject = "The only eligible person is" if eligible == 1 else f"All {eligible:,} eligible people are"
    if not has_place:
        return f"{subject} {full}."
    if has_place == eligible:
        few = "has" if eligible == 1 else "have"
        who = "The only eligible person" if eligible == 1 else f"All {eligible:,} eligible people"
        return f"{who} {few} a place but not the {days_asked:g} days asked."
    lacking = f"{has_place:,} {'has' if has_place == 1 else 'have'} a place but not the {days_asked:g} days asked"
    return f"Of {eligible:,} eligible people, {lacking}; the rest are {full}."


def _one_more(market: Market, use: _Use, needs: Positions, pairs: Pairs) -> dict[int, str]:
    """By need: what the best placed, of those with the days left where anybody has them, would have to offer more."""
    rulebook, days_left = market.rulebook, use.days_left
    these = _pairs_of(pairs, needs)
    too_few_days = rulebook.days_asked[pairs.need[these]] > days_left[pairs.supporter[these]]
    order = np.lexsort((-pairs.score_milli[these], too_few_days, pairs.need[these]))
    best = these[order[np.unique(pairs.need[these][order], return_index=True)[1]]]
    need, who = pairs.need[best], pairs.supporter[best]
    is_full, lacking = use.is_full[who], (rulebook.days_asked[need] - days_left[who]) / 100
    # As lists, because single numbers of an array are slow to look up.
    columns = (need, who, is_full, lacking, pairs.distance_km[best], pairs.score_milli[best] / 1000)
    sentences = {}
    for one, supporter, full, short, km, score in zip(*(column.tolist() for column in columns), strict=True):
        more = ["one more place"] if full else []
        if short > 0:
            more.append(f"{short:g} more {'day' if short == 1 else 'days'}")
        facts = f"{kilometres(km)}, score {score:.3f}"
        sentences[one] = f"{_sentence(' and '.join(more))} with {person(market, supporter)} would meet it ({facts})."
    return sentences


def _sentence(words: str) -> str:
    return words[0].upper() + words[1:]
