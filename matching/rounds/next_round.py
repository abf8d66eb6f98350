"""The next round from an earlier one: its tables with days reduced as chosen, and what happened in a table of its own.

What happened is rows of the table `past`, given by the event that begins the round. No run reads it: a plan depends on
an earlier round through the columns of the register alone.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import date
from decimal import Decimal

import numpy as np
import pandas as pd

from matching.inputs.inputs import Inputs
from matching.inputs.locations import options_of, with_options
from matching.rounds.history.events import HELD, SETTINGS, Event, Pair, RowChange, new_event
from matching.rounds.history.state import RoundState
from matching.rounds.planning.decisions_table import decisions_source, decisions_table
from matching.rounds.register import PAST, Sources, blank_table, table_cells
from matching.tables.csv_out import csv_bytes
from matching.tables.files import Source

DAYS_CHOICES: Mapping[str, str] = {
    "as offered": "As they are in this round",
    "less running": "Less the support that is still to be given (agreed, active or paused)",
    "less agreed": "Less all support that was agreed in this round, completed or not",
}
"""What is taken from the places and days that people offer, by code."""

_TAKEN: Mapping[str, tuple[str, ...]] = {
    "as offered": (),
    "less running": tuple(one for one in HELD if one != "completed"),
    "less agreed": HELD,
}
_CARRIED_FILES = ("schools", "ofsted", "links", "accreditation", "policy", "columns")


@dataclass(frozen=True)
class PastSupport:
    """How a supporter and a school got on in an earlier round.

    Attributes
    ----------
    round : str
        The name of that round.
    need_id, supporter_id, school_urn, focus : str
    status : str
        Of `matching.rounds.history.events.STATUSES`, or forbidden.
    on : str
        The day of that status as ISO 8601, or blank.
    rating : str
        What the school thought of it, or blank.
    why : str
        Why it was declined or forbidden, or blank.
    """

    round: str
    need_id: str
    supporter_id: str
    school_urn: str
    focus: str
    status: str
    on: str = ""
    rating: str = ""
    why: str = field(default="", repr=False)

    @property
    def key(self) -> tuple[str, str, str]:
        """The cells of its key in the table `past`."""
        return self.round, self.need_id, self.supporter_id


_COLUMNS = tuple(one.name for one in fields(PastSupport))


def past_of(events: Iterable[Event]) -> tuple[PastSupport, ...]:
    """Return what a round knows of earlier ones, by supporter."""
    found = [
        PastSupport(**{name: (change.after or {}).get(name, "") for name in _COLUMNS})
        for one in events
        if one.kind == "continued"
        for change in one.changes
    ]
    return tuple(sorted(found, key=lambda one: (one.supporter_id, one.on, one.key)))


def past_in_words(one: PastSupport, school: str) -> str:
    """Return a past support in words: Alder School, English: completed on 03/07/2026, rated good (Summer round)."""
    on = f" on {date.fromisoformat(one.on):%d/%m/%Y}" if one.on else ""
    rated = f", rated {one.rating}" if one.rating else ""
    why = f", because: {one.why}" if one.why else ""
    return f"{school}, {one.focus}: {one.status}{on}{rated}{why} ({one.round})"


def past_supports(
    name: str, events: Sequence[Event], state: RoundState, inputs: Inputs, ratings: Mapping[Pair, str]
) -> tuple[PastSupport, ...]:
    """Return what the next round is to know: what this one knew of earlier ones, and what became of its own pairs.

    A pair that was proposed and never asked is not among them.

    Parameters
    ----------
    name : str
        Of this round.
    events : sequence of Event
    state : RoundState
        After these events.
    inputs : Inputs
        Of the register.
    ratings : mapping of Pair to str
        What schools thought, in words.
    """
    school_of = dict(inputs.all_needs[["need_id", "school_urn"]].itertuples(index=False, name=None))
    focus_of = dict(inputs.all_needs[["need_id", "focus"]].itertuples(index=False, name=None))
    own = []
    for need_id, supporter_id in sorted({*state.statuses, *state.barred}):
        pair = (need_id, supporter_id)
        status, bar = state.status_of(*pair), state.barred.get(pair)
        on, why = state.since.get(pair), ""
        if bar and (bar.kind == "forbid" or status == "declined"):
            status = "forbidden" if bar.kind == "forbid" else status
            on, why = bar.on or on, bar.reason
        if status == "proposed" or need_id not in school_of:
            continue
        day, rating = on.isoformat() if on else "", ratings.get(pair, "")
        own.append(PastSupport(name, *pair, school_of[need_id], focus_of[need_id], status, day, rating, why))
    known = {(one.need_id, one.supporter_id) for one in own}
    # Those of the decisions table that the round was given.
    columns = ["kind", "need_id", "supporter_id", "on", "reason"]
    for kind, need_id, supporter_id, on, why in inputs.decisions[columns].itertuples(index=False, name=None):
        if kind != "pin" and (need_id, supporter_id) not in known:
            status, day = "forbidden" if kind == "forbid" else kind, on.isoformat() if on else ""
            about = (need_id, supporter_id, school_of[need_id], focus_of[need_id])
            own.append(PastSupport(name, *about, status, day, why=why))
    return (*past_of(events), *own)


def continued_event(name: str, round_id: str, past: Sequence[PastSupport], *, by: str) -> Event:
    """Return the event that begins the next round, with what is known of earlier ones."""
    changes = tuple(RowChange(PAST, one.key, None, asdict(one)) for one in {one.key: one for one in past}.values())
    event = new_event("continued", by=by, round=round_id, name=name)
    return Event(0, event.at, by, event.kind, "", event.about, None, changes)


def carried_settings(state: RoundState, *, by: str) -> list[Event]:
    """Return the settings that hold in a round, as events of the next one: of each the last that is not undone."""
    last = {
        (one.kind, one.about.get("name", "")): one
        for one in state.events
        if one.kind in SETTINGS and one.number not in state.undone
    }
    return [new_event(one.kind, by=by, **one.about) for one in last.values()]


# ---- the tables ----------------------------------------------------------------------------------------------------


def next_tables(
    sources: Sources,
    inputs: Inputs,
    state: RoundState,
    supporter_of: Mapping[str, str],
    days_of: Mapping[Pair, Decimal],
    days: str,
    needs: Sequence[str],
) -> dict[str, Source]:
    """Return the tables of the next round.

    Parameters
    ----------
    sources : mapping of str to Source
        The register of this round.
    inputs : Inputs
        Of these.
    state : RoundState
    supporter_of : mapping of str to str
        The supporter_id by need_id as things are now.
    days_of : mapping of Pair to Decimal
        The days agreed, by deployment.
    days : str
        Of `DAYS_CHOICES`: what is taken from the places and days of people.
    needs : sequence of str
        The needs that go on, by need_id.

    Notes
    -----
    A decision that bars a supporter from a need that goes on goes on too. One that forbids any other need, or a school,
    becomes a conflict of the supporter with that school; a decline of any other need bars from nothing.
    """
    school_of = dict(inputs.all_needs[["need_id", "school_urn"]].itertuples(index=False, name=None))
    going_on = {*needs}
    bars = decisions_table(
        sources.get("decisions"),
        state,
        hold=False,
        needs=school_of,
        supporters={*inputs.supporters["supporter_id"]},
        options=options_of(sources).of("decisions"),
    )
    is_kept = bars["need_id"].isin(going_on) | bars["school_urn"].isin({school_of[one] for one in needs})
    barred = bars[~is_kept & (bars["kind"] == "forbid")]
    barred = barred.assign(
        school_urn=barred["school_urn"].where(barred["school_urn"] != "", barred["need_id"].map(school_of))
    )
    # A file of which faulty rows are left out may name others.
    known_people = barred["supporter_id"].isin(inputs.supporters["supporter_id"])
    barred = barred[known_people & barred["school_urn"].isin(inputs.schools["urn"])]
    taken = _taken(state, supporter_of, days_of, _TAKEN[days])
    tables = {
        "supporters": _people_going_on(sources, inputs, taken, barred),
        "needs": _needs_going_on(sources, needs),
    }
    if is_kept.any():
        tables["decisions"] = decisions_source(bars[is_kept])
    options = options_of(sources)
    for name in ("supporters", "needs", "decisions"):
        # They are written under our column names.
        options = options.with_table(name, None)
    return with_options({name: sources[name] for name in _CARRIED_FILES if name in sources} | tables, options)


def _taken(
    state: RoundState, supporter_of: Mapping[str, str], days_of: Mapping[Pair, Decimal], statuses: Sequence[str]
) -> dict[str, tuple[int, Decimal]]:
    """Return the places and days that are taken, by supporter."""
    taken: dict[str, tuple[int, Decimal]] = {}
    for pair in supporter_of.items():
        if state.status_of(*pair) in statuses:
            places, days = taken.get(pair[1], (0, Decimal(0)))
            taken[pair[1]] = places + 1, days + days_of.get(pair, Decimal(0))
    return taken


def _people_going_on(
    sources: Sources, inputs: Inputs, taken: Mapping[str, tuple[int, Decimal]], barred: pd.DataFrame
) -> Source:
    """Return the supporters with places and days less those taken, and with the schools that they are barred from."""
    columns = ["supporter_id", "max_deployments", "days_available"]
    offered = {one: (places, days) for one, places, days in inputs.supporters[columns].itertuples(index=False)}
    left = {one: _left(*offered[one], *taken[one]) for one in taken if one in offered}
    conflicts = dict(inputs.supporters[["supporter_id", "conflicts"]].itertuples(index=False, name=None))
    added: dict[str, set[str]] = {}
    for supporter_id, urn in zip(barred["supporter_id"], barred["school_urn"], strict=True):
        added.setdefault(supporter_id, {*conflicts[supporter_id]}).add(urn)
    cells = table_cells(sources, "supporters")
    for at, column in enumerate(columns[1:]):
        rows = zip(cells["supporter_id"], cells[column], strict=True)
        cells[column] = [left[one][at] if one in left else cell for one, cell in rows]
    rows = zip(cells["supporter_id"], cells["conflicts"], strict=True)
    cells["conflicts"] = [";".join(sorted(added[one])) if one in added else cell for one, cell in rows]
    return Source("supporters.csv", csv_bytes(cells))


def _left(places: int, days: float, places_taken: int, days_taken: Decimal) -> tuple[str, str]:
    """Return the cells of what is left of places and days; blank days are no limit, and without a day no place is."""
    places_left = max(0, int(places) - places_taken)
    if not np.isfinite(days):
        return str(places_left), ""
    days_left = max(Decimal(0), Decimal(str(days)) - days_taken)
    return str(places_left if days_left else 0), f"{days_left.normalize():f}"


def _needs_going_on(sources: Sources, needs: Sequence[str]) -> Source:
    cells = table_cells(sources, "needs")
    going_on = cells[cells["need_id"].isin(needs)]
    return Source("needs.csv", csv_bytes(going_on)) if len(going_on) else blank_table("needs")
