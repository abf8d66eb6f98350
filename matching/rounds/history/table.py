"""The history of a round for people: every event in words, as a table and as CSV."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC

import pandas as pd

from matching.errors import counted, joined
from matching.rounds.desk.settings import desk_settings
from matching.rounds.history.events import KINDS, Event, Pair, decisions_behind, one_line_end, undone_events
from matching.rounds.history.state import RoundState, day_of
from matching.tables.contacts import CONTACTS
from matching.tables.csv_out import csv_bytes, spreadsheet_safe

HISTORY_COLUMNS = ("number", "on", "by", "what", "need_id", "supporter_id", "why", "undone")


def history_table(events: Iterable[Event]) -> pd.DataFrame:
    """Return the history of a round as text, one row an event.

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
            one_line_end(one.about.get("text", "") or one.why),
            "yes" if one.number in undone else "",
        )
        for one in ordered
    ]
    return pd.DataFrame(rows, columns=list(HISTORY_COLUMNS), dtype="object").map(spreadsheet_safe)


def history_csv(events: Iterable[Event]) -> bytes:
    """Return the history as CSV that a spreadsheet opens without asking."""
    return csv_bytes(history_table(events))


def what_happened(event: Event, names: Mapping[str, str] | None = None) -> str:
    """Return an event in a few words, without the need and the supporter; `names` are words for identifiers."""
    words = KINDS[event.kind]
    about, before = event.about, event.about.get("replaces", "")
    details = {
        "swap": f" instead of {(names or {}).get(before, before)}" if before else "",
        "status": f": {about.get('status', '')}{_on(event)}",
        "consent": f" of the {about.get('party', '')}: {about.get('answer', '')}{_extent(event)}{_on(event)}",
        "desk": f": {_settings_in_words(about)}" if event.kind == "desk" else "",
        "undo": f": event {event.undoes}",
        **dict.fromkeys(
            ("files", "replaced"), f": {', '.join(filter(None, about.get('tables', '').split(';'))) or 'none'}"
        ),
        "plan": f": plan {about.get('plan', '')}",
        "scenario": f": plan {about.get('plan', '')}, {about.get('name', '')}",
        "approved": f": plan {about.get('plan', '')}",
        "named": f": {about.get('name', '')}",
        "restored": " from a file" if about.get("from") == "file" else "",
    }
    return words + (_changes_in_words(event) if event.changes else details.get(event.kind, ""))


def _settings_in_words(about: Mapping[str, str]) -> str:
    found = desk_settings(about)
    remind, ask = counted(found.remind_after_days, "day"), counted(found.ask_next_after_days, "day")
    consents = joined(found.consents) if found.consents else "none"
    return f"remind after {remind}, ask the next person after {ask}, consents needed: {consents}"


def _on(event: Event) -> str:
    """Return the day on which something happened if it is another one than that of the record."""
    on = event.about.get("on", "")
    return f" on {on}" if on and on != event.at.date().isoformat() else ""


def _extent(event: Event) -> str:
    extent = event.about.get("extent", "")
    return f" ({extent} {event.about.get('until', '')})".replace(" )", ")") if extent else ""


def deployment_lines(state: RoundState) -> dict[Pair, str]:
    """Return the history of each deployment on one line: approached 3 Nov 2026, home school: yes 5 Nov 2026."""
    steps: dict[Pair, list[str]] = {}
    for one in state.events:
        if one.pair and one.number not in state.undone and (words := _step_in_words(one)):
            on = day_of(one)
            steps.setdefault(one.pair, []).append(f"{words} {on.day} {on:%b %Y}")
    return {pair: ", ".join(listed) for pair, listed in steps.items()}


def _step_in_words(event: Event) -> str:
    if event.kind == "status":
        return event.about.get("status", "")
    if event.kind == "consent":
        return f"{event.about.get('party', '')}: {event.about.get('answer', '')}"
    return KINDS[event.kind] if event.kind in ("declined", "forbid", "pin", "swap") else ""


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
