"""The decisions of a run: those of the round's own file and those recorded since, as one table."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import pandas as pd

from matching.errors import DataError, Problem
from matching.inputs.headers import TableOptions
from matching.inputs.locations import read_under
from matching.rounds.history.events import HELD, Pair, one_line_end
from matching.rounds.history.state import RoundState
from matching.tables.csv_out import csv_bytes, spreadsheet_safe
from matching.tables.files import Source
from matching.tables.formats import RULE_CODES, known_columns, table_formats
from matching.tables.table_reader import read_table
from matching.tables.vocabulary import standard_vocabulary

_DECISION_COLUMNS = ("kind", "supporter_id", "need_id", "school_urn", "reason", "by", "on", "rules_broken")


@dataclass(frozen=True)
class _Row:
    """A row of the decisions table; `row` is its number in the round's own file, None for a recorded decision."""

    kind: str
    supporter_id: str
    need_id: str
    school_urn: str
    reason: str
    by: str
    on: date | None
    rules_broken: tuple[str, ...] = ()
    row: int | None = None

    def cells(self) -> tuple[str | date | tuple[str, ...] | None, ...]:
        """Return the values of `_DECISION_COLUMNS`, texts as they are read back from a file that is safe to open."""
        texts = (self.kind, self.supporter_id, self.need_id, self.school_urn, one_line_end(self.reason), self.by)
        rules = tuple(sorted({*self.rules_broken} & {*RULE_CODES}))
        return (*(spreadsheet_safe(one.strip()) for one in texts), self.on, rules)


def decisions_table(
    base: Source | None,
    state: RoundState,
    *,
    hold: bool,
    needs: Mapping[str, str],
    supporters: Collection[str] | None = None,
    options: TableOptions | None = None,
) -> pd.DataFrame:
    """Return the decisions of a run: those of the round's own file and those recorded since.

    Parameters
    ----------
    base : Source or None
        The round's own decisions file. It remains as it is: the table is made again for every run, so what is undone
        is gone from the next.
    state : RoundState
    hold : bool
        True for a rerun of this round: pins, placements by hand and agreed deployments become pins. False for the next
        round: only what is forbidden or declined, without any pin of `base`.
    needs : mapping of str to str
        The URN of the school by need_id.
    supporters : collection of str, optional
        The round's supporters. Decisions about other supporters or needs are left out.
    options : TableOptions, optional
        How `base` is read, from the round's columns file.

    Returns
    -------
    DataFrame
        kind, supporter_id, need_id (blank for every need of the school), school_urn, reason, by, on (a date or None)
        and rules_broken (a tuple): the rows of `base` in their order, then the recorded ones by need and supporter.

    Raises
    ------
    DataError
        `base` cannot be read, or bars a pair that a later decision holds. (A placement by hand that names the rules
        that it breaks may stand against such a bar: its pin names it.)

    Notes
    -----
    Where the two disagree about a need, the round's decisions are later and take precedence: a pin of `base` is left
    out for a need that they place, or for a pair that they bar; a row for a whole school only for those needs.
    """
    own = _rows_of(base, options or TableOptions())
    held = _held(state) if hold else {}
    held = {need_id: _naming_bars(row, state, own, needs) for need_id, row in held.items()}
    ours = _state_rows(state, held, needs, supporters)
    problems = list(_contradictions(base, own, state, held, needs))
    if problems:
        raise DataError(problems)
    repeated = {(one.kind, (one.need_id, one.supporter_id)) for one in ours}
    kept = [one for row in own for one in _remaining(row, state, held, repeated, needs) if hold or row.kind != "pin"]
    return pd.DataFrame([one.cells() for one in [*kept, *ours]], columns=list(_DECISION_COLUMNS), dtype="object")


def decisions_source(decisions: pd.DataFrame) -> Source:
    """Return decisions as a CSV file; equal decisions give equal bytes."""
    days = [one.isoformat() if one else "" for one in decisions["on"]]
    rules = [";".join(one) for one in decisions["rules_broken"]]
    return Source("decisions.csv", csv_bytes(decisions.assign(on=days, rules_broken=rules)))


def _rows_of(base: Source | None, options: TableOptions) -> list[_Row]:
    if base is None:
        return []
    vocabulary = standard_vocabulary()
    form = table_formats(vocabulary)["decisions"]
    sheet = read_under(base, known_columns(form, options.mapping), options, form)
    table = read_table(sheet, form, vocabulary, options.mapping)
    if table.problems:
        raise DataError(table.problems, table.notices)
    return [_Row(*cells) for cells in table.frame[[*_DECISION_COLUMNS, "row"]].itertuples(index=False, name=None)]


def _needs_of(row: _Row, needs: Mapping[str, str]) -> list[str]:
    """Return the needs that a row is about: the one that it names, or all of its school's."""
    return [row.need_id] if row.need_id else [one for one, urn in needs.items() if urn == row.school_urn]


def held_pairs(state: RoundState) -> dict[str, str]:
    """Return by need_id the supporter_id that a rerun keeps: placed by a person, or else agreed."""
    return {need_id: row.supporter_id for need_id, row in _held(state).items()}


def _held(state: RoundState) -> dict[str, _Row]:
    """Return the pins of a rerun by need_id: supporters placed by a person, or else agreed."""
    agreed = {
        event.need_id: _Row(
            "pin",
            event.supporter_id,
            event.need_id,
            "",
            event.why or f"Status: {event.about['status']}",
            event.by,
            event.at.date(),
        )
        for event in state.events
        if event.kind == "status"
        and event.number not in state.undone
        and event.pair
        and state.statuses[event.pair] in HELD
        and event.pair not in state.barred
        # An agreement from before another supporter was placed there does not come back when that placement ends.
        and (event.need_id not in state.freed or event.number > state.freed[event.need_id].since)
    }
    placed = {
        need_id: _Row("pin", one.supporter_id, need_id, "", one.reason, one.by, one.on, one.broken)
        for need_id, one in state.placements.items()
    }
    return {**agreed, **placed}


def _state_rows(
    state: RoundState, held: Mapping[str, _Row], needs: Mapping[str, str], supporters: Collection[str] | None
) -> list[_Row]:
    bars = [
        _Row(one.kind, one.supporter_id, one.need_id, "", one.reason, one.by, one.on) for one in state.barred.values()
    ]
    # With its school, a row is found to be wrong in a round where the need_id is another school's.
    rows = [
        replace(one, school_urn=needs[one.need_id])
        for one in [*held.values(), *bars]
        if one.need_id in needs and (supporters is None or one.supporter_id in supporters)
    ]
    return sorted(rows, key=lambda one: (one.need_id, one.supporter_id, one.kind))


def _naming_bars(pin: _Row, state: RoundState, own: Sequence[_Row], needs: Mapping[str, str]) -> _Row:
    """Return a pin that names rules with the bars of the round's own file on its pair among them."""
    if pin.need_id not in _against_rules(state):
        return pin
    bars = {
        "forbidden" if row.kind == "forbid" else "declined"
        for row in own
        if row.kind != "pin" and row.supporter_id == pin.supporter_id and pin.need_id in _needs_of(row, needs)
    }
    return replace(pin, rules_broken=tuple(sorted({*pin.rules_broken, *bars})))


def _against_rules(state: RoundState) -> set[str]:
    """Return the needs whose placement names rules that it breaks."""
    return {need_id for need_id, one in state.placements.items() if one.broken}


def _contradictions(
    base: Source | None, own: Sequence[_Row], state: RoundState, held: Mapping[str, _Row], needs: Mapping[str, str]
) -> Iterator[Problem]:
    """Yield the bars of the round's own file on pairs that recorded decisions hold without naming a rule."""
    if base is None:
        return
    knowingly = _against_rules(state)
    for row in own:
        for need_id in _needs_of(row, needs) if row.kind != "pin" else ():
            pin = held.get(need_id)
            if pin and pin.supporter_id == row.supporter_id and need_id not in knowingly:
                word = "forbidden" if row.kind == "forbid" else "declined"
                message = f"{row.supporter_id} is kept at need {need_id} by a later decision, and {word} for it here."
                fix = "Undo that decision, place them by hand and tick this rule, or change the table."
                yield Problem(base.name, row.row, "kind", row.kind, message, fix)


def _remaining(
    row: _Row,
    state: RoundState,
    held: Mapping[str, _Row],
    repeated: Collection[tuple[str, Pair]],
    needs: Mapping[str, str],
) -> list[_Row]:
    """Return what remains of a row of the round's own file: the row, rows for some of its needs, or nothing."""

    def is_overruled(need_id: str) -> bool:
        if row.kind == "pin":
            decided = need_id in held or need_id in state.placements or need_id in state.freed
            return decided or (need_id, row.supporter_id) in state.barred
        return row.need_id != "" and (row.kind, (need_id, row.supporter_id)) in repeated

    about = _needs_of(row, needs)
    staying = [need_id for need_id in about if not is_overruled(need_id)]
    if staying == about:
        return [row]
    return [replace(row, need_id=one, school_urn=needs.get(one, row.school_urn)) for one in staying]
