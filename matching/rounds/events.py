"""What happens to a round: the kinds of event, and events as values that nothing changes any more.

What they come to is the business of `state`; `rounds` keeps them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType

KINDS: Mapping[str, str] = MappingProxyType(
    {
        "pin": "pinned",
        "forbid": "forbidden",
        "declined": "declined",
        "swap": "placed by hand",
        "note": "note",
        "status": "status",
        "undo": "undone",
        "created": "round begun",
        "files": "tables changed",
        "plan": "plan accepted",
        "scenario": "scenario kept",
        "approved": "plan approved",
        "reopened": "reopened",
        "named": "renamed",
        "archived": "archived",
        "restored": "restored",
        "copied": "copied from another round",
    }
)
"""Every kind of event, in words for people.

`pin`, `forbid` and `declined` are about a need_id and a supporter_id. So is `swap`: somebody is put in by hand;
`replaces` is the supporter before (or blank), and `broken` names the rules that it breaks and that were ticked,
separated by ';'. A `note` is about a need_id, a supporter_id or both, with its `text`. A `status` gives the `status` of
a supporter_id at a need_id. `undo` takes back the event that it names in `undoes`. The others happen to the round as
such, and `rounds` writes them; `plan` says in `after` which was the last event that the plan knows of.
"""

DECISIONS = ("pin", "forbid", "declined", "swap", "note", "status")
"""The kinds that a person records, and that can be undone; so can an undo."""

STATUSES = ("proposed", "approached", "agreed", "active", "completed", "declined", "withdrawn")
"""Where a deployment stands; the first is what it is until somebody says otherwise."""

HELD = ("agreed", "active", "completed")
"""The statuses that a new plan must not break."""

ENDED = ("declined", "withdrawn")
"""The statuses that bar the supporter from the need, and leave it free."""

DECLINE_REASONS = (
    "No time at present",
    "Too far to travel",
    "Knows the school too well (conflict of interest)",
    "Change of job",
    "Illness or leave",
    "The school prefers somebody else",
    "Other",
)

Pair = tuple[str, str]
"""A need_id and a supporter_id."""


@dataclass(frozen=True)
class Event:
    """One thing that happened to a round.

    Attributes
    ----------
    number : int
        Within the round, from 1; 0 until the round's store has taken it.
    at : datetime
        In UTC.
    by : str
        Who did it.
    kind : str
        One of `KINDS`.
    why : str
    about : mapping of str to str
    undoes : int or None
        The number of the event that this one takes back.
    """

    number: int
    at: datetime
    # Who, why and about whom name people and must not reach a log through a repr.
    by: str = field(repr=False)
    kind: str
    why: str = field(repr=False)
    about: Mapping[str, str] = field(repr=False)
    undoes: int | None = None

    @property
    def need_id(self) -> str:
        """The need that it is about, or blank."""
        return self.about.get("need_id", "")

    @property
    def supporter_id(self) -> str:
        """The supporter that it is about, or blank."""
        return self.about.get("supporter_id", "")

    @property
    def pair(self) -> Pair | None:
        """The need and the supporter, where it is about both."""
        return (self.need_id, self.supporter_id) if self.need_id and self.supporter_id else None


def new_event(kind: str, *, by: str, why: str = "", **about: str) -> Event:
    """An event that is to be recorded: `rounds` gives it its number and its time."""
    return Event(0, datetime.now(UTC), by, kind, why, about)


def events_in_force(events: Sequence[Event]) -> tuple[frozenset[int], dict[int, int]]:
    """The events that do not hold, and for every event the last one that had a say in whether it does."""
    undone: set[int] = set()
    last = {one.number: one.number for one in events}
    # An undo names an earlier event, so from the back it is known of every undo whether it holds itself.
    for one in reversed(events):
        if one.undoes is not None:
            last[one.undoes] = max(last.get(one.undoes, 0), last[one.number])
            if one.number not in undone:
                undone.add(one.undoes)
    return frozenset(undone), last


def one_line_end(written: str) -> str:
    """A text with one kind of line end: a lone carriage return is not put in quotation marks, and would end a row."""
    return written.replace("\r\n", "\n").replace("\r", "\n")
