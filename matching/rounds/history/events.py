"""What happens to a round: the kinds of event, and events as frozen values.

`state` folds them into the state of the round, and `register` into its tables; `store` keeps them.
"""

from collections.abc import Iterable, Mapping, Sequence
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
        "consent": "consent",
        "message": "message sent",
        "terms": "terms of the support",
        "visit": "visit",
        "review": "review held",
        "evaluation": "evaluation by the school",
        "need_added": "need added",
        "need_changed": "need changed",
        "need_paused": "need paused",
        "need_withdrawn": "need withdrawn",
        "need_resumed": "need open again",
        "supporter_added": "supporter added",
        "supporter_changed": "supporter changed",
        "supporter_unavailable": "supporter unavailable",
        "supporter_left": "supporter left",
        "supporter_back": "supporter back",
        "evidence_changed": "evidence changed",
        "newer_table": "newer table accepted",
        "replaced": "tables replaced",
        "undo": "undone",
        "created": "round begun",
        "continued": "begun from an earlier round",
        "files": "tables changed",
        "desk": "settings of the contact desk",
        "template": "template of a message",
        "rates": "rates a day",
        "plan": "plan accepted",
        "scenario": "scenario kept",
        "approved": "plan approved",
        "reopened": "reopened",
        "named": "renamed",
        "archived": "archived",
        "restored": "restored",
        "copied": "copied from another round",
        "erased": "contact details and remarks erased",
    }
)
"""Every kind of event, in words for people.

`pin`, `forbid`, `declined` and `swap` are about a need_id and a supporter_id. A `swap` places the supporter by hand:
`replaces` is the supporter before (or blank), and `broken` names the rules that it knowingly breaks, separated by ';'.
A `note` is about a need_id, a supporter_id or both, with its `text`. A `status` gives the `status` of a supporter_id at
a need_id, and a `consent` the `answer` of a `party`, with `extent` (and `until`) where a home school says no; both may
give the day `on` which it happened. A `message` says that one made from a `template` was sent about a deployment.
`terms` give its start, end, days, objectives and day of review; a `visit` its `days` and `text`, a `review` and an
`evaluation` what was said. `desk` gives settings of the contact desk, and `rates` the pounds a day by designation. A
`template` gives the `subject` and `text` of the message of a `name`, or neither where the default words are restored.
The kinds from `need_added` to `newer_table` change rows of the register, named in `changes`, and `replaced` gives whole
files. `undo` undoes the event that it names in `undoes`. The store records the other kinds, which are about the whole
round; `after` of a `plan` is the last event that the plan takes account of. `files` is what earlier versions recorded
in place of `replaced`: they put the plan aside, and kept no earlier file, so it cannot be undone. `continued` begins a
round from an earlier one, and gives what is known of that in `changes`.
"""

DESK = ("status", "consent", "message", "terms", "visit", "review", "evaluation")
"""The kinds that say how a deployment gets on."""

DECISIONS = ("pin", "forbid", "declined", "swap", "note", *DESK)
"""The kinds of decision."""

SETTINGS = ("desk", "template", "rates")
"""The kinds of setting that no plan depends on."""

ROW_CHANGES = tuple(
    kind for kind in KINDS if kind.startswith(("need_", "supporter_")) or kind in ("evidence_changed", "newer_table")
)
"""The kinds that change rows of the register."""

ENTRIES = (*DECISIONS, *SETTINGS, *ROW_CHANGES)
"""The kinds that a person records."""

UNDOABLE = (*ENTRIES, "replaced", "plan", "undo")
"""The kinds that can be undone."""

STATUSES = ("proposed", "approached", "agreed", "active", "paused", "completed", "declined", "withdrawn")
"""The statuses of a deployment; it has the first until another is recorded."""

HELD = ("agreed", "active", "paused", "completed")
"""The statuses of a deployment that stays until a person ends it."""

ENDED = ("declined", "withdrawn")
"""The statuses that end a deployment and free the need; `declined` bars the supporter from it too."""

ANSWERS = ("yes", "no")
"""What a party to a deployment says when it is asked for its consent."""

EXTENTS = ("this school", "until", "altogether")
"""How far the no of a home school goes: this school alone, until a day, or altogether."""

DECLINE_REASONS: Mapping[str, str] = MappingProxyType(
    {
        "no_time": "No time at present",
        "too_far": "Too far to travel",
        "conflict": "Knows the school too well (conflict of interest)",
        "new_job": "Change of job",
        "leave": "Illness or leave",
        "school_prefers": "The school prefers another person",
        "other": "Other",
    }
)
"""Why a supporter declines, by code. An event records the words: `why` is for people, and no code compares it."""

LONGEST_TEXT = 4_000
"""The most characters in any text of an event."""

Pair = tuple[str, str]
"""A need_id and a supporter_id."""


@dataclass(frozen=True)
class RowChange:
    """A change of one row of the register, cell by cell.

    Attributes
    ----------
    table : str
        supporters, needs or accreditation.
    key : tuple of str
        The cells of the row's key, such as its need_id.
    before, after : mapping of str to str, or None
        The cells that change, by column. `before` is None for a row that is added, `after` for one that is taken out.
    """

    table: str
    key: tuple[str, ...]
    before: Mapping[str, str] | None = field(repr=False)
    after: Mapping[str, str] | None = field(repr=False)


@dataclass(frozen=True)
class Event:
    """One event of a round.

    Attributes
    ----------
    number : int
        Within the round, from 1; 0 until it is recorded.
    at : datetime
        In UTC.
    by : str
        The user's name.
    kind : str
        One of `KINDS`.
    why : str
    about : mapping of str to str
    undoes : int or None
        The number of the event that this one undoes.
    changes : tuple of RowChange
        What it changes in the register.
    """

    number: int
    at: datetime
    # These name people and must not reach a log through a repr.
    by: str = field(repr=False)
    kind: str
    why: str = field(repr=False)
    about: Mapping[str, str] = field(repr=False)
    undoes: int | None = None
    changes: tuple[RowChange, ...] = field(default=(), repr=False)

    @property
    def need_id(self) -> str:
        """The need that the event is about, or blank."""
        return self.about.get("need_id", "")

    @property
    def supporter_id(self) -> str:
        """The supporter that the event is about, or blank."""
        return self.about.get("supporter_id", "")

    @property
    def pair(self) -> Pair | None:
        """The need and the supporter, if the event is about both."""
        return (self.need_id, self.supporter_id) if self.need_id and self.supporter_id else None


def new_event(kind: str, *, by: str, why: str = "", **about: str) -> Event:
    """Return an event to be recorded; the store gives it its number and time."""
    return Event(0, datetime.now(UTC), by, kind, why, about)


def undone_events(events: Sequence[Event]) -> tuple[frozenset[int], dict[int, int]]:
    """Return the events that are undone, and for every event the last one that decides whether it is.

    Parameters
    ----------
    events : sequence of Event
        Of one round, in order.

    Returns
    -------
    undone : frozenset of int
    decided_by : dict of int to int
        By number: the event itself, or the latest undo that bears on it.
    """
    undone: set[int] = set()
    last = {one.number: one.number for one in events}
    # An undo names an earlier event, so taken from the back, every undo is settled before what it undoes.
    for one in reversed(events):
        if one.undoes is not None:
            last[one.undoes] = max(last.get(one.undoes, 0), last[one.number])
            if one.number not in undone:
                undone.add(one.undoes)
    return frozenset(undone), last


def decisions_behind(events: Iterable[Event]) -> dict[int, Event]:
    """Return, by number, the event that each event is about: itself or, for an undo, what it undoes or brings back.

    Parameters
    ----------
    events : iterable of Event
        Of one round, in order.
    """
    behind: dict[int, Event] = {}
    for one in events:
        behind[one.number] = one if one.undoes is None else behind.get(one.undoes, one)
    return behind


def one_line_end(written: str) -> str:
    """Return a text with line feeds alone: CSV would not quote a lone carriage return, and it would end the row."""
    return written.replace("\r\n", "\n").replace("\r", "\n")
