"""The messages of a round: to whom, about which deployments, and in which words. The program itself sends none."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np

from matching.errors import Problem, joined
from matching.inputs.inputs import Inputs
from matching.plan.phrases import counted_days, day_in_words, need_in_words
from matching.rounds.desk.dated import agreed_terms
from matching.rounds.desk.settings import PARTIES
from matching.rounds.desk.templates import TO_SCHOOLS, BlankFieldError, Words, blank_in_words, fill_in
from matching.rounds.desk.today import Line
from matching.rounds.history.events import Event, Pair, new_event
from matching.rounds.history.state import RoundState
from matching.tables.grid import distance_km, kilometres

_Row = Mapping[Any, Any]

_FOR_LINES = {
    "approach": "approach",
    "remind": "remind",
    "ask next": "withdraw",
    "consents": "tell the school",
}
_FOR_STATUSES = {"proposed": "approach", "approached": "remind", "declined": "withdraw", "withdrawn": "withdraw"}


def kind_for(line: Line | None, status: str) -> str:
    """Return the kind of message that a line of Today leads to or, without one of its own, the status."""
    if line and line.kind == "consents" and PARTIES[2] not in line.missing and PARTIES[0] in line.missing:
        return "remind"
    return _FOR_LINES.get(line.kind if line else "") or _FOR_STATUSES.get(status, "confirm")


@dataclass(frozen=True)
class Message:
    """One message to one person, about all the deployments that it concerns.

    Attributes
    ----------
    whom : str
        The recipient in words for the user: the name with the identifier.
    name, email : str
        The address is blank if the tables have none.
    pairs : tuple of Pair
        The deployments.
    subject, text : str
    fields : mapping of str to str
        What each field was filled in with.
    """

    whom: str
    name: str
    email: str
    pairs: tuple[Pair, ...]
    subject: str
    text: str = field(repr=False)
    fields: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True)
class _Deployment:
    """A deployment with its rows of the tables: the need, the supporter, the school and the supporter's own school."""

    pair: Pair
    need: _Row
    who: _Row
    school: _Row
    home: _Row
    designation: str
    terms: Mapping[str, str]

    @property
    def contact(self) -> tuple[str, str]:
        """The name and address of the need's contact or, if it has none, of the school's."""
        own = (self.need["contact_name"], self.need["contact_email"])
        return own if any(own) else (self.school["contact_name"], self.school["contact_email"])

    @property
    def days(self) -> float:
        """The days that were agreed or, before that, those that the need asks for."""
        return float(self.terms.get("days") or self.need["days"])

    @property
    def distance(self) -> str:
        metres = (np.array([one[name]]) for one in (self.home, self.school) for name in ("easting", "northing"))
        return kilometres(float(distance_km(*metres)[0]))

    @property
    def dates(self) -> str:
        """When it begins and ends, as far as that is known."""
        start, end = (_day(self.terms.get(name, "")) for name in ("start", "end"))
        by = day_in_words(self.need["start_by"]) if self.need["start_by"] else ""
        begins = f"from {start}" if start else f"to start by {by}" if by else ""
        return " ".join(filter(None, (begins, f"until {end}" if end else "")))

    def line(self, *, to_school: bool) -> str:
        """Return it as a line of the list of deployments."""
        days = counted_days(self.days) if self.days else ""
        if to_school:
            about = f"{_one_line(self.who['name'])}, {self.designation} at {_one_line(self.home['name'])}"
            return f"• {self.need['focus']}: {', '.join(filter(None, (about, days, self.dates)))}"
        where = ", ".join(filter(None, map(_one_line, (self.school["name"], self.school["local_authority"]))))
        far = f"{self.distance} from {_one_line(self.home['name'])}"
        return f"• {self.need['focus']} at {where}: {', '.join(filter(None, (days, far, self.dates)))}"


def compose(
    kind: str, words: Words, pairs: Sequence[Pair], inputs: Inputs, state: RoundState, given: Mapping[str, str]
) -> tuple[tuple[Message, ...], tuple[Problem, ...]]:
    """Return one message for each person, by name, and a problem for each that cannot be made.

    Parameters
    ----------
    kind : str
        Of `matching.rounds.desk.templates.KINDS`.
    words : Words
        Sound, with fields.
    pairs : sequence of Pair
        The deployments: every need and supporter is in the register.
    inputs : Inputs
        The register.
    state : RoundState
    given : mapping of str to str
        The fields that are the same in all of them: reply_by, note, coordinator, round and today.
    """
    to_school = kind in TO_SCHOOLS
    recipients: dict[tuple[str, ...], list[_Deployment]] = {}
    for one in _deployments(pairs, inputs, state):
        key = (one.school["urn"], *one.contact) if to_school else (one.pair[1],)
        recipients.setdefault(key, []).append(one)
    messages, problems = [], []
    for theirs in recipients.values():
        first = theirs[0]
        name, email = first.contact if to_school else (first.who["name"], first.who["email"])
        place = f"{first.school['name']} ({first.school['urn']})"
        whom = ", ".join(filter(None, (name, place))) if to_school else f"{name} ({first.pair[1]})"
        fields = {**given, **_fields(theirs, to_school=to_school)}
        about = tuple(one.pair for one in theirs)
        try:
            filled = fill_in(words, fields)
        except BlankFieldError as error:
            problems.append(_blank_problem(whom, theirs, error.names))
        else:
            messages.append(Message(whom, fields["name"], email, about, filled.subject, filled.text, fields))
    return (
        tuple(sorted(messages, key=lambda one: (one.whom.casefold(), one.pairs))),
        tuple(sorted(problems, key=lambda one: one.place)),
    )


def _deployments(pairs: Iterable[Pair], inputs: Inputs, state: RoundState) -> list[_Deployment]:
    needs, people, schools = (
        {row[key]: row for row in table.to_dict("records")}
        for table, key in ((inputs.all_needs, "need_id"), (inputs.supporters, "supporter_id"), (inputs.schools, "urn"))
    )
    found, terms = [], agreed_terms(state)
    for pair in sorted(pairs):
        need, who = needs[pair[0]], people[pair[1]]
        designation = inputs.vocabulary.designations[who["designation"]].title
        school, home = schools[need["school_urn"]], schools[who["school_urn"]]
        found.append(_Deployment(pair, need, who, school, home, designation, terms.get(pair, {})))
    return found


def _fields(theirs: Sequence[_Deployment], *, to_school: bool) -> dict[str, str]:
    """Return the fields that depend on the recipient; one that is not known for every deployment is blank."""
    days, (contact, _) = [one.days for one in theirs], theirs[0].contact
    at_school = contact or f"colleagues at {theirs[0].school['name']}"
    return {
        "name": _one_line(at_school if to_school else theirs[0].who["name"]),
        "deployments": "\n".join(one.line(to_school=to_school) for one in theirs),
        "supporter": _all(one.who["name"] for one in theirs),
        "designation": _all(one.designation for one in theirs),
        "home_school": _all(one.home["name"] for one in theirs),
        "school": _all(one.school["name"] for one in theirs),
        "local_authority": _all(one.school["local_authority"] for one in theirs),
        "focus": _all(one.need["focus"] for one in theirs),
        "days": counted_days(sum(days)) if all(days) else "",
        "distance": _all(one.distance for one in theirs),
        "start_by": _all(day_in_words(by) if (by := one.need["start_by"]) else "" for one in theirs),
        "contact": _all(one.contact[0] for one in theirs),
        "contact_email": _all(one.contact[1] for one in theirs),
    }


def _all(values: Iterable[str]) -> str:
    """Return different values as one list; nothing if one of them is blank."""
    found = list(dict.fromkeys(map(_one_line, values)))
    return joined(found) if all(found) else ""


def _one_line(value: str) -> str:
    return " ".join(value.split())


def _day(written: str) -> str:
    return day_in_words(date.fromisoformat(written)) if written else ""


_GIVEN = ("reply_by", "note", "coordinator", "round", "today")


def _blank_problem(whom: str, theirs: Sequence[_Deployment], names: tuple[str, ...]) -> Problem:
    needs = joined(need_in_words(one.need["focus"], one.school["name"], one.pair[0]) for one in theirs)
    where = "above" if {*names} <= {*_GIVEN} else "under People or Needs"
    message = f"No message to {whom} about {needs}: {blank_in_words(names)}."
    fix = f"Fill it in {where}, or take it out of the words."
    return Problem("message", None, ";".join(names), "", message, fix)


def sent_events(kind: str, messages: Iterable[Message], state: RoundState, on: date, *, by: str) -> list[Event]:
    """Return what is recorded when messages were sent: one entry a deployment, and who was proposed is approached."""
    pairs = sorted({pair for one in messages for pair in one.pairs})
    about = {pair: {"need_id": pair[0], "supporter_id": pair[1], "on": on.isoformat()} for pair in pairs}
    events = [new_event("message", by=by, template=kind, **about[pair]) for pair in pairs]
    if kind == "approach":
        asked = [pair for pair in pairs if state.status_of(*pair) == "proposed"]
        events += [new_event("status", by=by, status="approached", **about[pair]) for pair in asked]
    return events
