"""What the plan would gain and lose if a named supporter served a need.

The answer comes from solving with that one change made. The inputs and the plan stay as they are.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from matching.errors import counted, joined
from matching.pairs.market import Market, Row
from matching.plan.compare import KEPT_BONUS
from matching.plan.phrases import bar_phrases, counted_days, need_in_words, person
from matching.plan.write import Plan
from matching.solve.problem import LEVELS, PRIORITY_LEVELS, UNMET, Positions, Reached
from matching.whatif.resolve import (
    Answer,
    changed_market,
    changes_between,
    outcome_of,
    position_of,
    position_of_need,
    reached_by,
    solve_again,
    with_pins,
)

COMPONENT_COLUMNS = ("component", "weight", "fit", "adds", "chosen_fit", "chosen_adds")
LEVEL_COLUMNS = ("level", "now", "forced", "difference")
_MOST_MOVES_NAMED = 3
_DOUBT_ELSEWHERE = " (the other deployments stay as they are, and may not be the best from here)"


@dataclass(frozen=True)
class WhyNot:
    """What the plan would be with a named supporter at a need.

    Attributes
    ----------
    bars : tuple of str
        The rules that the pair breaks, in words.
    distance_km : float
        How far away the named supporter is.
    components : DataFrame
        `COMPONENT_COLUMNS`, all text: a row each for specialism, phase and distance, and one for the score. `weight` is
        the share of the whole and `adds` what the fit adds to the score; the last two columns are of the chosen one.
    levels : DataFrame
        `LEVEL_COLUMNS`; empty where nothing was solved.
    displaced : DataFrame
        `matching.plan.compare.CHANGE_COLUMNS`: every need that would change hands. The need in question comes first,
        and each of the others after the one that takes its supporter.
    proved, needs_proved : bool
        Whether no plan with the supporter here is better, or meets more needs; true where nothing had to be solved.
    sentences : tuple of str
        A summary.
    """

    need_id: str
    supporter_id: str
    bars: tuple[str, ...]
    distance_km: float
    components: pd.DataFrame
    levels: pd.DataFrame
    displaced: pd.DataFrame
    proved: bool
    needs_proved: bool
    sentences: tuple[str, str]

    @property
    def solved(self) -> bool:
        """Whether the plan was solved again with the supporter here."""
        return len(self.levels) > 0


def why_not(
    market: Market, plan: Plan, need_id: str, supporter_id: str, *, force: bool = False, time_limit_s: float = 4.0
) -> WhyNot:
    """Return what the plan would gain and lose with a named supporter at a need, and whom that would move.

    Parameters
    ----------
    market : Market
        Of the plan's inputs.
    force : bool
        Whether to solve even where the pair breaks a rule, as a pin may.
    time_limit_s : float
        How long to search where days bind, in seconds.

    Raises
    ------
    DataError
        The need or the supporter is not in the inputs.
    """
    need = position_of_need(market.inputs, need_id)
    supporter = position_of(market.inputs.supporters["supporter_id"], supporter_id, "supporter")
    before = outcome_of(market, plan)
    chosen = int(before[need])
    bars = tuple(bar_phrases(market, need, supporter)) if chosen != supporter else ()
    who = person(market, supporter)
    levels, displaced, proved = pd.DataFrame(columns=list(LEVEL_COLUMNS)), changes_between(market, before, before), True
    needs_proved = True
    if chosen == supporter:
        sentences = (f"{who} already supports this need in the plan.", "Nothing would change.")
    elif full := _no_capacity(market, need, supporter):
        why = "is not eligible for this need" if bars else "has no capacity for this need"
        sentences = (f"{who} {why}, and could not be pinned to it.", full)
    elif bars and not force:
        sentences = (
            f"{who} is not eligible for this need: {joined(bars)}.",
            "Only a pin, which overrides the rules, would place them here.",
        )
    else:
        now = reached_by(market, before)
        forced = changed_market(market, with_pins(market.inputs, {need_id: supporter_id}), same_pairs=True)
        is_best = plan.manifest["status"] == "optimal"
        # A pin that breaks a rule, replaces a pin or exceeds a side constraint may reach more than the best plan.
        free_to_choose = not (bars or market.rulebook.has_side_constraints or need in market.rulebook.pins[0])
        answer = solve_again(
            market,
            before,
            forced,
            needs=[need],
            supporters=[supporter],
            time_limit_s=time_limit_s,
            at_most=now if is_best and free_to_choose else None,
        )
        then = answer.reached
        bonus = [_kept_bonus_milli(market, *one) for one in ((before, now), (answer.supporter_of, then))]
        levels = _levels(market, now, then, bonus)
        displaced = changes_between(market, before, answer.supporter_of, [need])
        proved, needs_proved = is_best and answer.proved, is_best and answer.needs_proved
        doubt = "" if proved else _DOUBT_ELSEWHERE if answer.proved else _doubt_here(answer, is_certain=needs_proved)
        sentences = (_consequence(who, now, then, bonus, doubt), _moves(displaced))
    return WhyNot(
        need_id,
        supporter_id,
        bars,
        float(market.rulebook.distance_km(np.array([need]), np.array([supporter]))[0]),
        _components(market, need, supporter, chosen),
        levels,
        displaced,
        proved,
        needs_proved,
        sentences,
    )


# ---- the named supporter and the chosen one ------------------------------------------------------------------------


def _components(market: Market, need: int, supporter: int, chosen: int) -> pd.DataFrame:
    weights = market.inputs.policy.weights
    both = np.array([supporter] if chosen == UNMET else [supporter, chosen])
    fits = market.rulebook.fits(np.full(len(both), need), both)
    rows = []
    for name in ("specialism", "phase", "distance"):
        share = getattr(weights, name) / weights.total
        cells = [(f"{fit:.3f}", f"{share * fit:.3f}") for fit in getattr(fits, name).tolist()]
        rows.append((name, f"{share:.3f}", *cells[0], *(cells[1] if len(cells) > 1 else ("", ""))))
    scores = [f"{milli / 1000:.3f}" for milli in fits.score_milli.tolist()]
    rows.append(("score", "", "", scores[0], "", scores[1] if len(scores) > 1 else ""))
    return pd.DataFrame(rows, columns=list(COMPONENT_COLUMNS), dtype="object")


def _no_capacity(market: Market, need: int, supporter: int) -> str:
    """Return why the supporter could not be pinned here as well as to the needs that they hold; empty if they could."""
    rulebook = market.rulebook
    pinned_need, pinned_supporter = rulebook.pins
    theirs = pinned_need[(pinned_supporter == supporter) & (pinned_need != need)]
    places, days = int(rulebook.places[supporter]), rulebook.days_offered[supporter] / 100
    asked = (rulebook.days_asked[theirs].sum() + rulebook.days_asked[need]) / 100
    held = f", and already have {counted(len(theirs), 'pinned or agreed need')}" if len(theirs) else ""
    if len(theirs) + 1 > places:
        return f"They offer {counted(places, 'place')}{held}."
    if asked > days:
        return f"They offer {counted_days(days)}, and with this need would give {asked:g}{held}."
    return ""


# ---- levels --------------------------------------------------------------------------------------------------------


def _kept_bonus_milli(market: Market, outcome: Positions, reached: Reached) -> int:
    """Return what deployments of the baseline add to the last level of an outcome, in thousandths."""
    need = np.flatnonzero(outcome != UNMET)
    return reached[-1] - int(market.rulebook.fits(need, outcome[need]).score_milli.sum())


def _levels(market: Market, now: Reached, then: Reached, bonus: Sequence[int]) -> pd.DataFrame:
    """Return each level of two outcomes, the score as the sum of scores; in a rerun also the bonuses."""
    sides = [[*reached[:-1], reached[-1] - kept, kept] for reached, kept in zip((now, then), bonus, strict=True)]
    sides.append([after - before for before, after in zip(*sides, strict=True)])
    points = [[*counts, score / 1000, kept / 1000] for *counts, score, kept in sides]
    levels = pd.DataFrame(dict(zip(LEVEL_COLUMNS, ([*LEVELS, KEPT_BONUS], *points), strict=True)))
    return levels if market.inputs.baseline is not None else levels.head(len(LEVELS))


def _consequence(who: str, now: Reached, then: Reached, bonus: Sequence[int], doubt: str) -> str:
    """Return what the plan would gain and lose, as one sentence."""
    if (now, bonus[0]) == (then, bonus[1]):
        same = "the same number of needs met at each priority, and the same total score"
        return f"The plan would be just as good with {who} here: {same}{doubt}."
    differences = [
        f"{abs(after - before):,} {'more' if after > before else 'fewer'} {level} "
        f"{'need' if abs(after - before) == 1 else 'needs'} met"
        for level, before, after in zip(PRIORITY_LEVELS, now, then, strict=False)
        if after != before
    ]
    score, kept = then[-1] - now[-1] - (bonus[1] - bonus[0]), bonus[1] - bonus[0]
    if score:
        differences.append(f"total score {abs(score) / 1000:.3f} {'higher' if score > 0 else 'lower'}")
    if kept:
        differences.append(f"{abs(kept) / 1000:.3f} {'more' if kept > 0 else 'less'} for kept deployments")
    verdict = "just as good" if then == now else "worse" if then < now else "better"
    return f"With {who} here the plan would be {verdict}: {'; '.join(differences)}{doubt}."


def _doubt_here(answer: Answer, *, is_certain: bool) -> str:
    """Return the doubt about an outcome whose search was cut short, perhaps after the needs were certain."""
    if not is_certain:
        return " (the best found in the time allowed; a better one may exist)"
    most = f"{answer.score_gap:.3f}"
    return f" (no plan with them here meets more needs; with more time, one may score up to {most} higher)"


# ---- who would move -------------------------------------------------------------------------------------------------


def _moves(displaced: pd.DataFrame) -> str:
    """Return whom it would move, as one sentence; the need in question is the first row."""
    others = displaced.iloc[1:].to_dict("records")
    if not others:
        return "No other deployment would change."
    if len(others) <= _MOST_MOVES_NAMED:
        return f"{'; '.join(map(_move, others))}."
    kinds = [row["change"] for row in others]
    effects = (
        ("lost", "would be left unmet"),
        ("gained", "would be met"),
        ("moved", "would be met by a different supporter"),
    )
    phrases = [f"{counted(kinds.count(kind), 'other need')} {words}" for kind, words in effects if kind in kinds]
    return f"{joined(phrases)}."


def _move(row: Row) -> str:
    need = f"{need_in_words(row['focus'], row['school_name'], row['need_id'])}, {row['priority']} priority,"
    before = f"{row['supporter_name_before']} ({row['supporter_id_before']})"
    after = f"{row['supporter_name_after']} ({row['supporter_id_after']})"
    return {
        "lost": f"{need} would be left unmet, losing {before}",
        "gained": f"{need} would be met by {after}",
        "moved": f"{need} would move from {before} to {after}",
    }[row["change"]]
