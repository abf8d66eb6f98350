"""Numbers and dates as British readers write them."""

from datetime import date, datetime


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
