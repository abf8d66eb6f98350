"""A repair of an unmet need as what is recorded when a person decides on it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import pandas as pd

from matching.inputs.inputs import Inputs
from matching.rounds.history.events import Event, RowChange, new_event
from matching.rounds.history.state import RoundState
from matching.rounds.register import key_columns, rows_by_key, table_cells
from matching.tables.csv_out import number_text
from matching.tables.files import Source
from matching.tables.policy import Policy
from matching.whatif.repairs import Repair

_CELLS = {
    "supporters": ("max_deployments", "days_available", "max_distance_km"),
    "needs": ("designations", "days", "start_by", "package"),
}
"""By table, what a repair may change."""
_KINDS = {"supporters": "supporter_changed", "needs": "need_changed"}


@dataclass(frozen=True)
class RepairEdits:
    """What is recorded, all together, to do what a repair proposes.

    Attributes
    ----------
    events : tuple of Event
        Changes of rows, and undos of decisions.
    policy : Policy or None
        The changed rules, if they have to change.
    """

    events: tuple[Event, ...]
    policy: Policy | None


def repair_edits(
    repair: Repair, inputs: Inputs, sources: Mapping[str, Source], state: RoundState, by: str
) -> RepairEdits | None:
    """Return what doing a repair records; None if it needs a change of the round's own decisions file.

    Parameters
    ----------
    repair : Repair
    inputs : Inputs
        Those that it was found in.
    sources : mapping of str to Source
        The register.
    state : RoundState
    by : str
        The user's name.
    """
    undone = _missing_decisions(inputs.decisions, repair.inputs.decisions)
    if any(pair not in state.barred for pair in undone):
        return None
    events = [
        replace(new_event("undo", by=by, why=repair.sentence), undoes=state.barred[pair].number) for pair in undone
    ]
    for table in _CELLS:
        events += _row_events(
            table, getattr(inputs, table), getattr(repair.inputs, table), sources, by, repair.sentence
        )
    return RepairEdits(tuple(events), repair.inputs.policy if repair.inputs.policy != inputs.policy else None)


def _missing_decisions(before: pd.DataFrame, after: pd.DataFrame) -> list[tuple[str, str]]:
    columns = ["need_id", "supporter_id", "kind"]
    kept = {*after[columns].itertuples(index=False, name=None)}
    gone = [one for one in before[columns].itertuples(index=False, name=None) if one not in kept]
    return list(dict.fromkeys((need_id, supporter_id) for need_id, supporter_id, _ in gone))


def _row_events(
    table: str, before: pd.DataFrame, after: pd.DataFrame, sources: Mapping[str, Source], by: str, why: str
) -> Iterator[Event]:
    if before is after:
        return
    key = key_columns(table)[0]
    cells = rows_by_key(table_cells(sources, table), table)
    for old, new in zip(before.to_dict("records"), after.to_dict("records"), strict=True):
        changed = {name: _cell(new[name]) for name in _CELLS[table] if new[name] != old[name]}
        if changed:
            row = cells[(old[key],)]
            change = RowChange(table, (old[key],), {name: row.get(name, "") for name in changed}, changed)
            yield replace(new_event(_KINDS[table], by=by, why=why, **{key: old[key]}), changes=(change,))


def _cell(value: Any) -> str:
    """Return a value as it is typed into a cell."""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, tuple):
        return ";".join(value)
    return value if isinstance(value, str) else number_text(float(value))
