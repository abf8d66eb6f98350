"""The reason for each deployment, each unmet need and each excluded supporter, in words for a head teacher.

A reason follows from the rules and the outcome alone, so anyone who has both can write it again and compare.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from matching.accreditation import failed_criteria
from matching.errors import counted, joined
from matching.pairs.eligible import Pairs
from matching.pairs.market import Market
from matching.pairs.side_constraints import overfull_by_pins, side_constraint_notices
from matching.plan.outcome import Outcome, Remaining
from matching.plan.phrases import bar_phrases, decision_on, holders, person, specialists
from matching.plan.unmet.no_one_eligible import why_no_one_eligible
from matching.plan.unmet.no_one_free import why_no_one_free
from matching.plan.unmet.wording import Unmet
from matching.solve.problem import Flags, Positions
from matching.tables.grid import kilometres


@dataclass(frozen=True)
class Reasons:
    """The reason for each row of a plan.

    Attributes
    ----------
    deployed : mapping of int to str
        A sentence for each met need, by the need's position.
    unmet : DataFrame
        Columns need (position), reason_code, reason and nearest_option; one row for each unmet need.
    eligible_pairs : int
        The number of eligible pairs.
    """

    deployed: Mapping[int, str]
    unmet: pd.DataFrame
    eligible_pairs: int


def reasons_of(market: Market, outcome: Outcome, *, proved: bool = True) -> Reasons:
    """Return the reason for each need of an outcome.

    Parameters
    ----------
    proved : bool
        Whether the outcome is known to be the best. If not, no reason claims that a change would not help.
    """
    remaining = Remaining.of(market, outcome)
    deployed: dict[int, str] = {}
    unmet: dict[int, Unmet] = {}
    without_pairs: list[Positions] = []
    eligible_pairs = 0
    for block, pairs in market.blocks():
        needs = np.arange(block.start, block.stop)
        met, has_pairs = remaining.met[block], pairs.count_by_need()[block] > 0
        deployed |= _deployed(market, outcome, remaining, needs[met], pairs)
        unmet |= why_no_one_free(market, outcome, remaining, needs[~met & has_pairs], pairs, proved=proved)
        without_pairs.append(needs[~met & ~has_pairs])
        eligible_pairs += len(pairs)
    unmet |= why_no_one_eligible(market, np.concatenate(without_pairs))
    rows = [(need, why.code, why.reason, why.nearest_option) for need, why in sorted(unmet.items())]
    table = pd.DataFrame(rows, columns=["need", "reason_code", "reason", "nearest_option"])
    return Reasons(deployed, table, eligible_pairs)


def excluded_reasons(market: Market) -> pd.DataFrame:
    """Return why supporters cannot be deployed: columns supporter (position), reason_code and reason, a row each."""
    supporter_ids = market.inputs.supporters["supporter_id"].tolist()
    failed = failed_criteria(market.verdicts).to_dict()
    rows = []
    for supporter in np.flatnonzero(~market.rulebook.available).tolist():
        if not market.rulebook.accredited[supporter]:
            criteria = failed[supporter_ids[supporter]]
            rows.append((supporter, "not_accredited", f"Not accredited: {criteria}."))
        else:
            rows.append((supporter, "no_places", "Offers no places: max_deployments is 0."))
    return pd.DataFrame(rows, columns=["supporter", "reason_code", "reason"])


def decision_notices(market: Market, outcome: Outcome) -> list[str]:
    """Return notices of pins that break a rule, and of deployments of the earlier plan that would now break one."""
    notices = []
    for need, supporter in zip(*(one.tolist() for one in market.rulebook.pins), strict=True):
        if phrases := bar_phrases(market, need, supporter):
            notices.append(
                f"The pin of {person(market, supporter)} to need {market.needs[need]['need_id']} is kept, "
                f"although the supporter {joined(phrases)}."
            )
    notices += overfull_by_pins(market.rulebook)
    notices += side_constraint_notices(market.rulebook, outcome.supporter_of)
    earlier = np.divmod(market.rulebook.earlier, max(len(market.inputs.supporters), 1))
    barred = int((~market.rulebook.eligible(*earlier)).sum())
    if barred:
        notices.append(f"{counted(barred, 'deployment')} of the earlier plan would now break a rule.")
    return notices


# ---- deployments ---------------------------------------------------------------------------------------------------


def _deployed(market: Market, outcome: Outcome, remaining: Remaining, met: Positions, pairs: Pairs) -> dict[int, str]:
    """Return a sentence for each of these met needs, given all of their pairs."""
    rulebook, chosen = market.rulebook, outcome.supporter_of[met]
    fits = rulebook.fits(met, chosen)
    ranking = _Ranking.of(market, outcome, remaining, pairs)
    eligible = pairs.count_by_need().tolist()
    # As lists, because single numbers of an array are slow to look up.
    columns = (met, chosen, outcome.origin[met], fits.distance_km, fits.phase, fits.specialism)
    sentences = {}
    for need, supporter, origin, km, phase_fit, specialism_fit in zip(*(one.tolist() for one in columns), strict=True):
        facts = f"{kilometres(km)} away, {_phase_words(phase_fit)}"
        if origin == "pinned":
            sentences[need] = _pin_sentence(market, need, supporter, facts)
            continue
        who = _people(market, need, by_related=specialism_fit < 1)
        kept = "Kept from the earlier plan. " if origin == "kept" else ""
        sentences[need] = f"{kept}{ranking.place(need, eligible[need], who)}: {facts}.{ranking.passed_over(need)}"
    return sentences


def _people(market: Market, need: int, *, by_related: bool) -> tuple[str, str]:
    """Return the supporters whom a need is for, in the singular (the chosen one) and the plural."""
    row = market.needs[need]
    if not market.inputs.vocabulary.focuses[row["focus"]].is_specialism:
        return holders(row["designations"])
    one, several = specialists(row["focus"])
    return f"{one}{' (through a related specialism)' if by_related else ''}", several


def _phase_words(fit: float) -> str:
    if fit >= 1:
        return "same phase"
    return "related phase" if fit > 0 else "different phase"


def _pin_sentence(market: Market, need: int, supporter: int, facts: str) -> str:
    row = decision_on(market, need, supporter, "pin")
    who = f" by {row['by']}" if row["by"] else ""
    why = f" ({row['reason']})" if row["reason"] else ""
    return f"Pinned{who}{why}: {facts}."


@dataclass(frozen=True)
class _Ranking:
    """By need: how the chosen supporter compares with the others who are eligible; the first four are counts."""

    better_full: list[int]
    better_short_of_days: list[int]
    better_limited: list[int]
    better_free: list[int]
    any_short_of_days: list[bool]
    is_closest: list[bool]
    is_closest_free: list[bool]
    is_best_free: list[bool]

    @classmethod
    def of(cls, market: Market, outcome: Outcome, remaining: Remaining, pairs: Pairs) -> "_Ranking":
        chosen = outcome.supporter_of[pairs.need] == pairs.supporter
        n_needs = len(outcome.supporter_of)
        score = np.full(n_needs, -1, dtype=np.int64)
        score[pairs.need[chosen]] = pairs.score_milli[chosen]
        distance = np.zeros(n_needs)
        distance[pairs.need[chosen]] = pairs.distance_km[chosen]

        counts = remaining.counts
        full = remaining.is_full[pairs.supporter]
        short = ~full & ~remaining.has_days(market, pairs.need, pairs.supporter)
        over = counts.over_school(pairs.need, pairs.supporter) | counts.over_home(pairs.need, pairs.supporter)
        free = ~full & ~short & ~over
        better = pairs.score_milli > score[pairs.need]
        closer = pairs.distance_km < distance[pairs.need]

        def count(flags: Flags) -> list[int]:
            return list(np.bincount(pairs.need[flags], minlength=n_needs).tolist())

        def none(flags: Flags) -> list[bool]:
            return [one == 0 for one in count(flags)]

        return cls(
            better_full=count(better & full),
            better_short_of_days=count(better & short),
            better_limited=count(better & ~full & ~short & over),
            better_free=count(better & free),
            any_short_of_days=[one > 0 for one in count(short)],
            is_closest=none(closer),
            is_closest_free=none(closer & free),
            is_best_free=none(better & free),
        )

    def place(self, need: int, eligible: int, who: tuple[str, str]) -> str:
        """Return what the chosen supporter is among the eligible ones."""
        one, several = who
        if eligible == 1:
            return f"The only eligible {one}"
        better = self.better_full[need] + self.better_short_of_days[need] + self.better_free[need]
        if better + self.better_limited[need] == 0:
            return f"{'Closest' if self.is_closest[need] else 'Best placed'} of {eligible:,} eligible {several}"
        left = "a place and the days left" if self.any_short_of_days[need] else "a place left"
        if self.is_best_free[need]:
            return f"{'Closest' if self.is_closest_free[need] else 'Best placed'} {one} with {left}"
        return f"One of {eligible:,} eligible {several}"

    def passed_over(self, need: int) -> str:
        """Return why those who score higher were not chosen, as a sentence; empty where no one does."""
        reasons = (
            (self.better_full[need], "has no place left", "have no place left"),
            (self.better_short_of_days[need], "has too few days left", "have too few days left"),
            (self.better_limited[need], "would take a school over its limit", "would take a school over its limit"),
            (self.better_free[need], "could take this need", "could take this need"),
        )
        phrases = [
            f"{counted(count, 'person', 'people')} with a higher score {one if count == 1 else several}"
            for count, one, several in reasons
            if count
        ]
        return f" {'; '.join(phrases)}." if phrases else ""
