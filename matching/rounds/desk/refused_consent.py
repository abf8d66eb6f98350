"""What follows when a school says no to a deployment: how far it goes, and what is recorded for it."""

from collections.abc import Iterable
from datetime import date

from matching.rounds.desk.moves import MOVES
from matching.rounds.edits import Cells, unavailable
from matching.rounds.history.events import Event, Pair, new_event
from matching.rounds.history.state import RoundState


def absence_after_no(row: Cells, extent: str, on: date, until: date | None, *, by: str, why: str = "") -> Event | None:
    """Return the event by which a home school's no keeps its supporter from other schools too; None if it does not.

    Parameters
    ----------
    row : mapping of str to str
        The supporter's row of the register.
    extent : str
        Of `matching.rounds.history.events.EXTENTS`.
    on, until : date
        The day of the no, and the last day for which it holds.
    by, why : str
    """
    if extent == "this school":
        return None
    return unavailable([row], on, until if extent == "until" else None, by=by, why=why)


def events_after_no(
    state: RoundState,
    pair: Pair,
    party: str,
    extent: str,
    on: date,
    until: date | None,
    needs_of_school: Iterable[str],
    *,
    by: str,
    why: str = "",
) -> list[Event]:
    """Return what is recorded when a school says no: it is no decline by the supporter.

    The deployment is withdrawn. A no that is about the school that receives support bars the supporter from every need
    of that school; one that goes further is an absence too, as `absence_after_no` returns it.

    Parameters
    ----------
    party : str
        The home school or the receiving school.
    extent : str
        Of `matching.rounds.history.events.EXTENTS`; that of a receiving school is itself.
    needs_of_school : iterable of str
        The needs of the receiving school.
    """
    need_id, supporter_id = pair
    said = {"party": party, "answer": "no", "on": on.isoformat()}
    if party == "home school":
        said["extent"] = extent
        if extent == "until" and until:
            said["until"] = until.isoformat()
    events = [new_event("consent", by=by, why=why, need_id=need_id, supporter_id=supporter_id, **said)]
    if "withdrawn" in MOVES[state.status_of(*pair)]:
        about = {"need_id": need_id, "supporter_id": supporter_id, "status": "withdrawn", "on": on.isoformat()}
        events.append(new_event("status", by=by, why=why, **about))
    if party != "home school" or extent == "this school":
        reason = why or f"The {party} said no"
        events += [
            new_event("forbid", by=by, why=reason, need_id=one, supporter_id=supporter_id)
            for one in sorted({*needs_of_school, need_id})
            if (one, supporter_id) not in state.barred
        ]
    return events
