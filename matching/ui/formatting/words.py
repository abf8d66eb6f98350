"""Numbers and dates as British readers write them."""

from datetime import date, datetime

from matching.rounds.events import Event
from matching.rounds.history import what_happened


def day(value: date) -> str:
    """A date: 4 May 2026."""
    return f"{value.day} {value:%B %Y}"


def moment(value: datetime) -> str:
    """A moment in the time of this machine: 4 May 2026 at 14:05."""
    local = value.astimezone()
    return f"{day(local.date())} at {local:%H:%M}"


def of(part: float, whole: float) -> str:
    """A part of a whole: 1,204 of 1,310."""
    return f"{part:,.0f} of {whole:,.0f}"


def event_sentence(event: Event) -> str:
    """What somebody did to a round, when and why, on one line."""
    whom = [f"{word} {one}" for word, one in (("need", event.need_id), ("supporter", event.supporter_id)) if one]
    why = event.about.get("text", "") or event.why
    told = ", ".join([what_happened(event), *whom])
    return f"{moment(event.at)}, {event.by or 'somebody'}: {told}.{f' Reason: {why}' if why else ''}"
