"""Calendars: when each deployment begins, is reviewed, is visited and ends, for calendar programs (RFC 5545)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from matching.inputs.inputs import Inputs
from matching.plan.as_bytes import CALENDARS, numbered, zip_bytes
from matching.plan.phrases import counted_days
from matching.plan.write import Plan

_TITLES = {"start": "Support begins", "visit": "Visit", "review": "Review of the support", "end": "Support ends"}


@dataclass(frozen=True)
class Dated:
    """A day of a deployment.

    Attributes
    ----------
    pair : tuple of str
        The need_id and the supporter_id.
    kind : str
        start, visit, review or end.
    on : date
    recorded_at : datetime
        When it was recorded, in UTC.
    number : int
        That of a visit, which no other visit of the round has; otherwise 0.
    days : float
        The length of a visit.
    """

    pair: tuple[str, str]
    kind: str
    on: date
    recorded_at: datetime
    number: int = 0
    days: float = 0.0


def calendar_ics(plan: Plan, inputs: Inputs, dated: Iterable[Dated], name: str, round_id: str) -> bytes:
    """Return the days of a plan's deployments as one calendar; equal input gives equal bytes.

    Every day is an event of the whole day, and marks no one as busy. Its identifier stays the same when its day
    changes, so that a calendar program moves it.

    Parameters
    ----------
    plan, inputs
        The plan and the inputs that it was made from.
    dated : iterable of Dated
        Those of other deployments are left out.
    name : str
        Of the calendar.
    round_id : str
        Part of the identifiers.
    """
    from icalendar import Calendar, Event  # noqa: PLC0415 - slow to load, and few hand-overs have calendars

    rows = _rows(plan)
    postcodes = dict(zip(inputs.schools["urn"], inputs.schools["postcode"], strict=True))
    calendar = Calendar()
    calendar.add("prodid", "-//school-support-matching//EN")
    calendar.add("version", "2.0")
    calendar.add("x-wr-calname", name)
    order = list(_TITLES)
    of_plan = [one for one in dated if one.pair in rows]
    for one in sorted(of_plan, key=lambda one: (one.on, order.index(one.kind), one.pair, one.number)):
        row, event = rows[one.pair], Event()
        key = "\n".join((round_id, *one.pair, one.kind, str(one.number)))
        event.add("uid", f"{uuid5(NAMESPACE_URL, key)}@school-support-matching")
        event.add("dtstamp", one.recorded_at.astimezone(UTC).replace(microsecond=0))
        event.add("dtstart", one.on)
        event.add("dtend", one.on + timedelta(days=1))
        title = f"{_TITLES[one.kind]}, {counted_days(one.days)}" if one.days else _TITLES[one.kind]
        event.add("summary", f"{title}: {row['focus']} at {row['school_name']}, {row['supporter_name']}")
        place = (row["school_name"], postcodes.get(row["school_urn"], ""))
        event.add("location", ", ".join(filter(None, place)))
        event.add("transp", "TRANSPARENT")
        calendar.add_component(event)
    content: bytes = calendar.to_ical()
    return content


def calendars_zip(column: str, plan: Plan, inputs: Inputs, dated: Sequence[Dated], name: str, round_id: str) -> bytes:
    """Return a calendar for each supporter or school that has a day in one zip.

    Parameters
    ----------
    column : str
        supporter_id or school_urn.
    plan, inputs, dated, name, round_id
        As in `calendar_ics`.
    """
    return zip_bytes(_by(column, plan, inputs, dated, name, round_id))


def calendar_files(plan: Plan, inputs: Inputs, dated: Sequence[Dated], name: str, round_id: str) -> dict[str, bytes]:
    """Return the calendars of all, of each supporter and of each school, by path."""
    about = (plan, inputs, dated, name, round_id)
    folders = {"supporters": "supporter_id", "schools": "school_urn"}
    files = {f"{CALENDARS}all.ics": calendar_ics(*about)}
    for folder, column in folders.items():
        files |= {f"{CALENDARS}{folder}/{path}": content for path, content in _by(column, *about).items()}
    return files


def _by(column: str, plan: Plan, inputs: Inputs, dated: Sequence[Dated], name: str, round_id: str) -> dict[str, bytes]:
    titles = {"supporter_id": "supporter_name", "school_urn": "school_name"}
    theirs: dict[tuple[str, str], list[Dated]] = {}
    rows = _rows(plan)
    for one in dated:
        if row := rows.get(one.pair):
            theirs.setdefault((row[titles[column]], row[column]), []).append(one)
    named = [
        (title, calendar_ics(plan, inputs, days, f"{name}: {title}", round_id))
        for (title, _), days in sorted(theirs.items())
    ]
    return numbered(named, "ics")


def _rows(plan: Plan) -> dict[tuple[str, str], Mapping[Any, str]]:
    return {(row["need_id"], row["supporter_id"]): row for row in plan.deployments.to_dict("records")}
