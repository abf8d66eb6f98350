"""Numbers and dates as British readers write them."""

from datetime import date, datetime

from matching.rounds.history.events import Event
from matching.rounds.history.table import what_happened, written_by


def day(value: date) -> str:
    """Return a date as 4 May 2026."""
    return f"{value.day} {value:%B %Y}"


def moment(value: datetime) -> str:
    """Return a moment in the time of this machine as 4 May 2026 at 14:05."""
    local = value.astimezone()
    return f"{day(local.date())} at {local:%H:%M}"


def of(part: float, whole: float) -> str:
    """Return a part of a whole as 1,204 of 1,310."""
    return f"{part:,.0f} of {whole:,.0f}"


def event_sentence(event: Event) -> str:
    """Return one event of a round on one line: when, who, what and why."""
    whom = [f"{word} {one}" for word, one in (("need", event.need_id), ("supporter", event.supporter_id)) if one]
    what = ", ".join([what_happened(event), *whom])
    why = f" Reason: {said}" if (said := written_by(event)) else ""
    return f"{moment(event.at)}, {event.by or 'name not given'}: {what}.{why}"
