"""How a deployment moves from one status to another, and what an agreement waits for."""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta

from matching.errors import Problem, joined
from matching.rounds.history.events import ENDED, HELD, KINDS, Event, Pair
from matching.rounds.history.state import RoundState, day_of

MOVES: Mapping[str, tuple[str, ...]] = {
    "proposed": ("approached", "agreed", "declined", "withdrawn"),
    "approached": ("proposed", "agreed", "declined", "withdrawn"),
    "agreed": ("active", "paused", "completed", "declined", "withdrawn"),
    "active": ("paused", "completed", "declined", "withdrawn"),
    "paused": ("agreed", "active", "completed", "declined", "withdrawn"),
    "completed": (),
    "declined": ("approached", "agreed"),
    "withdrawn": ("approached", "agreed"),
}
"""By status, those that can be recorded next. What was recorded by mistake is undone instead."""


def missing_consents(state: RoundState, pair: Pair) -> tuple[str, ...]:
    """Return who has still to consent to a deployment before it can be agreed."""
    given = state.consents.get(pair, {})
    return tuple(one for one in state.desk.consents if one not in given or given[one].answer != "yes")


def consents_in_words(parties: tuple[str, ...]) -> str:
    """Return whose consents these are: the supporter and the home school."""
    return joined([f"the {one}" for one in parties])


def move_problem(state: RoundState, event: Event) -> Problem | None:
    """Return why a status or a consent cannot be recorded in this state, or None if it can.

    Agreements that were recorded before consents were asked for stand, because only new ones are judged.
    """
    if event.pair is None or event.kind not in ("status", "consent", "message"):
        return None
    if problem := day_problem(state, event):
        return problem
    if event.kind == "message":
        return None
    now = state.status_of(*event.pair)
    if event.kind == "consent":
        fix = "Record that the supporter is approached again first."
        ended = _refusal(event, now, f"The support is {now}, so no consent to it is needed.", fix)
        return ended if now in (*ENDED, "completed") else None
    return next(_status_problems(state, event, now, event.about["status"]), None)


def _status_problems(state: RoundState, event: Event, now: str, to: str) -> Iterator[Problem]:
    if to == now:
        yield _refusal(event, to, f"The support is {now} already.", "Choose another status, or write a note.")
    elif to not in MOVES[now]:
        fix = f"It can become {joined(MOVES[now], 'or')}." if MOVES[now] else "Undo the entry that ended it."
        yield _refusal(event, to, f"The support is {now}, and cannot become {to} from there.", fix)
    elif to == "agreed" and now not in HELD and (missing := missing_consents(state, event.pair or ("", ""))):
        message = f"It cannot be agreed without the consent of {consents_in_words(missing)}."
        yield _refusal(event, to, message, "Record each consent first, with its date.")


def day_problem(state: RoundState, event: Event) -> Problem | None:
    """Return why the day on which something happened cannot be right, or None."""
    if "on" not in event.about:
        return None
    on, began = day_of(event), min((one.at.date() for one in state.events), default=date.min)
    # The clock of the user may be a day ahead of the record, which is in UTC.
    if on > event.at.date() + timedelta(days=1):
        message, fix = f"{on:%d/%m/%Y} is in the future.", "Give the day on which it happened."
    elif on < began and state.events[0].kind != "copied":
        message, fix = f"{on:%d/%m/%Y} is before the round began.", f"The round began on {began:%d/%m/%Y}."
    else:
        return None
    return Problem(KINDS[event.kind], None, "on", event.about["on"], message, fix)


def _refusal(event: Event, value: str, message: str, fix: str) -> Problem:
    return Problem(
        KINDS[event.kind], None, event.kind, value, f"{event.supporter_id} at need {event.need_id}: {message}", fix
    )
