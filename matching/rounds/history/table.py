"""The history of a round for people: every event in words, as a table and as CSV."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC
from decimal import Decimal
from itertools import groupby

import pandas as pd

from matching.errors import counted, joined
from matching.rounds.desk.settings import desk_settings
from matching.rounds.desk.support import RATINGS, days_in_words
from matching.rounds.history.events import (
    DESK,
    KINDS,
    ROW_CHANGES,
    Event,
    Pair,
    decisions_behind,
    one_line_end,
    undone_events,
)
from matching.rounds.history.state import RoundState, day_of
from matching.tables.contacts import CONTACTS
from matching.tables.csv_out import csv_bytes, spreadsheet_safe

_WRITTEN = ("by_whom", "objectives", "text")
"""The parts of an event that hold sentences of its own."""

HISTORY_COLUMNS = ("number", "on", "by", "what", "need_id", "supporter_id", "why", "undone")


def history_table(events: Iterable[Event], *, private: bool = False) -> pd.DataFrame:
    """Return the history of a round as text, one row an event.

    Parameters
    ----------
    private : bool
        Whether `why` has what people wrote of visits, reviews, terms and evaluations and in messages.

    Returns
    -------
    DataFrame
        `HISTORY_COLUMNS`, by number: `on` is the time in UTC as ISO 8601 to the second; `why` is the text of a note, or
        the reason; `undone` is yes or blank.
    """
    ordered = tuple(events)
    undone, _ = undone_events(ordered)
    behind = decisions_behind(ordered)
    rows = [
        (
            str(one.number),
            one.at.astimezone(UTC).isoformat(timespec="seconds"),
            one.by,
            what_happened(one),
            behind[one.number].need_id,
            behind[one.number].supporter_id,
            one_line_end(_written(one, private)),
            "yes" if one.number in undone else "",
        )
        for one in ordered
    ]
    return pd.DataFrame(rows, columns=list(HISTORY_COLUMNS), dtype="object").map(spreadsheet_safe)


def history_csv(events: Iterable[Event], *, private: bool = False) -> bytes:
    """Return the history as CSV that a spreadsheet opens without asking; `private` is as in `history_table`."""
    return csv_bytes(history_table(events, private=private))


def written_by(event: Event) -> str:
    """Return what people wrote in an event: a note, who was there, what was said, or the reason.

    The words of messages are a setting.
    """
    if event.kind == "template":
        return event.why
    return ". ".join(filter(None, (event.about.get(name, "") for name in _WRITTEN))) or event.why


def _written(event: Event, private: bool) -> str:
    is_private = event.kind in DESK and any(event.about.get(name) for name in _WRITTEN)
    return written_by(event) if private or not is_private else event.why


def what_happened(event: Event, names: Mapping[str, str] | None = None) -> str:
    """Return an event in a few words, without the need and the supporter; `names` are words for identifiers."""
    words = KINDS[event.kind]
    about, before = event.about, event.about.get("replaces", "")
    details = {
        "swap": f" instead of {(names or {}).get(before, before)}" if before else "",
        "status": f": {about.get('status', '')}{_on(event)}",
        "consent": f" of the {about.get('party', '')}: {about.get('answer', '')}{_extent(event)}{_on(event)}",
        "message": f": {about.get('template', '')}{_on(event)}",
        "template": f": {about.get('name', '')}{'' if 'text' in about else ', default words restored'}",
        "terms": ": " + _terms_in_words(about) if event.kind == "terms" else "",
        "visit": f": {days_in_words(Decimal(about.get('days') or 0))}{_on(event)}" if event.kind == "visit" else "",
        "review": _on(event),
        "evaluation": f": {RATINGS.get(about.get('rating', ''), '').lower()}{_on(event)}",
        "desk": f": {_settings_in_words(about)}" if event.kind == "desk" else "",
        "rates": f": {_rates_in_words(about)}" if event.kind == "rates" else "",
        "undo": f": event {event.undoes}",
        **dict.fromkeys(
            ("files", "replaced"), f": {', '.join(filter(None, about.get('tables', '').split(';'))) or 'none'}"
        ),
        "plan": f": plan {about.get('plan', '')}",
        "scenario": f": plan {about.get('plan', '')}, {about.get('name', '')}",
        "approved": f": plan {about.get('plan', '')}",
        "named": f": {about.get('name', '')}",
        "continued": f": {about.get('name', '')}",
        "restored": " from a file" if about.get("from") == "file" else "",
    }
    return words + (
        _changes_in_words(event) if event.changes and event.kind in ROW_CHANGES else details.get(event.kind, "")
    )


def _settings_in_words(about: Mapping[str, str]) -> str:
    found = desk_settings(about)
    remind, ask = counted(found.remind_after_days, "day"), counted(found.ask_next_after_days, "day")
    consents = joined(found.consents) if found.consents else "none"
    return f"remind after {remind}, ask the next person after {ask}, consents needed: {consents}"


def _rates_in_words(about: Mapping[str, str]) -> str:
    return ", ".join(f"{name} £{pounds}" for name, pounds in about.items()) or "none"


def _terms_in_words(about: Mapping[str, str]) -> str:
    """Return what was agreed, without the objectives."""
    days = days_in_words(Decimal(about["days"])) if about.get("days") else ""
    named = (("start", "from"), ("end", "until"), ("review_on", "review on"))
    return ", ".join(filter(None, [days, *(f"{word} {about[name]}" for name, word in named if about.get(name))])) or (
        "objectives"
    )


def _on(event: Event) -> str:
    """Return the day on which something happened if it is another one than that of the record."""
    on = event.about.get("on", "")
    return f" on {on}" if on and on != event.at.date().isoformat() else ""


def _extent(event: Event) -> str:
    extent = event.about.get("extent", "")
    return f" ({extent} {event.about.get('until', '')})".replace(" )", ")") if extent else ""


def deployment_lines(state: RoundState) -> dict[Pair, str]:
    """Return the history of each deployment on one line: approached 3 Nov 2026, home school: yes 5 Nov 2026."""
    steps: dict[Pair, list[Event]] = {}
    for one in state.events:
        if one.pair and one.number not in state.undone and _step_in_words(one):
            steps.setdefault(one.pair, []).append(one)
    return {pair: ", ".join(_steps_in_words(taken)) for pair, taken in steps.items()}


def _steps_in_words(taken: Iterable[Event]) -> Iterator[str]:
    """Yield each step with its day; visits that follow each other are one step."""
    for is_visit, run in groupby(taken, lambda one: one.kind == "visit"):
        steps = list(run)
        if is_visit and len(steps) > 1:
            last, days = max(map(day_of, steps)), sum((Decimal(one.about["days"]) for one in steps), Decimal(0))
            yield f"{len(steps)} visits ({days_in_words(days)}) until {last.day} {last:%b %Y}"
        else:
            yield from (f"{_step_in_words(one)} {day_of(one).day} {day_of(one):%b %Y}" for one in steps)


def _step_in_words(event: Event) -> str:
    if event.kind == "status":
        return event.about.get("status", "")
    if event.kind == "consent":
        return f"{event.about.get('party', '')}: {event.about.get('answer', '')}"
    if event.kind == "message":
        return f"message: {event.about.get('template', '')}"
    if event.kind == "visit":
        return f"visit ({days_in_words(Decimal(event.about['days']))})"
    if event.kind == "evaluation":
        return f"evaluation: {RATINGS[event.about['rating']].lower()}"
    named = {"terms": "terms agreed", "review": "review"}
    return named.get(event.kind) or (KINDS[event.kind] if event.kind in ("declined", "forbid", "pin", "swap") else "")


def _changes_in_words(event: Event) -> str:
    """Return what an event changes: the cells of one row, or how many rows of each kind; no contact details."""
    if event.kind != "newer_table" and len(event.changes) == 1:
        before, after = event.changes[0].before, event.changes[0].after
        if before is None or after is None:
            return ""
        private = CONTACTS.get(event.changes[0].table, ())
        return ": " + ", ".join(
            name if name in private else f"{name} {before.get(name) or 'blank'} → {cell or 'blank'}"
            for name, cell in sorted(after.items())
        )
    if known := [f"{int(event.about[kind]):,} {kind}" for kind in ("added", "changed", "gone") if kind in event.about]:
        return f": {', '.join(known)}"
    counts = Counter(
        "added" if one.before is None else "gone" if one.after is None else "changed" for one in event.changes
    )
    return ": " + ", ".join(f"{count:,} {word}" for word, count in sorted(counts.items()))
