"""What cannot be recorded about the support of a deployment, each with its fix."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal

from matching.errors import Problem, shown
from matching.rounds.desk.moves import day_problem
from matching.rounds.desk.support import LONGEST_VISIT, MOST_DAYS, RATINGS, days_in_words, quarters
from matching.rounds.history.events import ENDED, HELD, KINDS, Event, decisions_behind, undone_events
from matching.rounds.history.state import RoundState

_HELD_KINDS = ("visit", "review", "evaluation")
_TERMS = ("start", "end", "days", "objectives", "review_on")


def unsound_support(event: Event) -> Iterator[Problem]:
    """Yield what is wrong with terms, a visit, a review or an evaluation in any state."""
    yield from _UNSOUND[event.kind](event)


def support_problem(state: RoundState, event: Event) -> Problem | None:
    """Return why terms, a visit, a review or an evaluation cannot be recorded in this state, or None if it can.

    More days than were agreed are no reason: they were given, and the screens say so.
    """
    if event.kind == "undo":
        return _brought_back_problem(state, event)
    if event.pair is None or event.kind not in ("terms", *_HELD_KINDS):
        return None
    now = state.status_of(*event.pair)
    if event.kind == "terms":
        fix = "Record that the supporter is approached again first."
        return _refusal(event, "status", now, f"The support is {now}.", fix) if now in ENDED else None
    if problem := day_problem(state, event):
        return problem
    if now not in HELD:
        is_over = now in ENDED
        fix = "Undo the entry that ended it first." if is_over else "Record first that it is agreed or active."
        return _refusal(event, "status", now, f"The support is {now}, so there is no {event.kind} of it.", fix)
    return _day_is_full(state, event) if event.kind == "visit" else None


def _day_is_full(state: RoundState, event: Event) -> Problem | None:
    """Return the problem of a visit that brings its supporter to more than a day of visits on one day."""
    on, days = date.fromisoformat(event.about["on"]), quarters(event.about["days"], LONGEST_VISIT)
    before = state.support.days_of(event.supporter_id, on)
    if before + days <= LONGEST_VISIT:
        return None
    left = LONGEST_VISIT - before
    fix = f"At most {days_in_words(left)} is left of that day." if left else "Correct or undo one of those visits."
    message = f"{event.supporter_id} has visits of {days_in_words(before)} on {on:%d/%m/%Y} already."
    return _refusal(event, "days", event.about["days"], f"{message} With this one they would exceed one day.", fix)


def _brought_back_problem(state: RoundState, event: Event) -> Problem | None:
    """Return why a visit cannot be brought back by undoing its undo, or None."""
    visit = decisions_behind(state.events).get(event.undoes or 0)
    if visit is None or visit.kind != "visit" or visit.number not in state.undone:
        return None
    after, _ = undone_events([*state.events, replace(event, number=len(state.events) + 1)])
    return None if visit.number in after else _day_is_full(state, visit)


def _unsound_terms(event: Event) -> Iterator[Problem]:
    about = event.about
    if not any(about.get(name) for name in _TERMS):
        yield _refusal(event, "start", "", "Nothing is agreed.", "Give a date, the days or the objectives.")
    if about.get("days"):
        yield from _unsound_days(event, str(about["days"]), MOST_DAYS)
    start, end, review_on = (about.get(name, "") for name in ("start", "end", "review_on"))
    # Days in ISO form are in the order of their text.
    if start and end and end < start:
        yield _refusal(
            event, "end", end, "The support would end before it starts.", "Give a later end or an earlier start."
        )
    if start and review_on and review_on < start:
        yield _refusal(
            event, "review_on", review_on, "The review would be before the support starts.", "Give a later day."
        )


def _unsound_visit(event: Event) -> Iterator[Problem]:
    yield from _without_day(event)
    yield from _unsound_days(event, event.about.get("days", ""), LONGEST_VISIT)


def _unsound_days(event: Event, written: str, most: Decimal) -> Iterator[Problem]:
    try:
        quarters(written, most)
    except ValueError as error:
        yield _refusal(event, "days", written, *error.args)


def _without_day(event: Event) -> Iterator[Problem]:
    if not event.about.get("on"):
        yield _refusal(event, "on", "", "The day is missing.", "Give the day on which it was.")


def _unsound_review(event: Event) -> Iterator[Problem]:
    yield from _without_day(event)
    if not event.about.get("text", "").strip():
        yield _refusal(event, "text", "", "What was said is missing.", "Write it in a sentence or two.")


def _unsound_evaluation(event: Event) -> Iterator[Problem]:
    yield from _without_day(event)
    rating = event.about.get("rating", "")
    if rating not in RATINGS:
        known = ", ".join(f"{number} ({words.lower()})" for number, words in RATINGS.items())
        yield _refusal(event, "rating", rating, f"{shown(rating)} is no rating.", f"Known are: {known}.")


_UNSOUND: Mapping[str, Callable[[Event], Iterator[Problem]]] = {
    "terms": _unsound_terms,
    "visit": _unsound_visit,
    "review": _unsound_review,
    "evaluation": _unsound_evaluation,
}


def _refusal(event: Event, column: str, value: str, message: str, fix: str) -> Problem:
    return Problem(KINDS[event.kind], None, column, value, message, fix)
