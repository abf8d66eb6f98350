"""What is left of a round when contact details and remarks are erased: plans, decisions and statuses."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

import pandas as pd

from matching.inputs.inputs import Inputs
from matching.plan.directories import PLAN_MARK
from matching.plan.handover.remarks import without_remarks
from matching.plan.on_disk import read_files, saved_inputs
from matching.plan.stored_inputs import STORED_COLUMNS, stored_path, stored_tables
from matching.rounds.history.events import Event, RowChange, new_event
from matching.rounds.register import GivenFiles
from matching.rounds.round import Round, with_events
from matching.tables.csv_out import csv_bytes
from matching.tables.files import Source

PlanFiles = Mapping[str, bytes]
"""The files of a plan, by path."""

ERASED = "(erased)"
"""In place of a text that an entry must have."""

STAYS = (
    "names of people and schools, and who was to support whom",
    "what people offer, where and when they are away, and the evidence for their accreditation",
    "decisions and statuses with their dates and who recorded them, but not why",
    "days of visits and ratings",
)
"""What erasing leaves, in words."""

# No one types a text of their own into these.
_KEPT = frozenset(
    {
        *("need_id", "supporter_id", "status", "party", "answer", "extent", "until", "on", "replaces", "broken"),
        *("plan", "after", "name", "before", "tables", "round", "from", "added", "changed", "gone"),
        *("start", "end", "days", "review_on", "rating", "template"),
        *("remind_after_days", "ask_next_after_days", "consents", "NLE", "LLE", "SLE"),
    }
)
_TEXTS: Mapping[str, tuple[str, ...]] = {
    "note": ("text",),
    "terms": ("objectives",),
    "review": ("text",),
}
_REMARKS = ("reason",)
_FORMAT_OF_COPIES = 1


def erased(
    owner: Round, plans: Mapping[int, PlanFiles], inputs: Inputs, by: str, now: datetime
) -> tuple[Round, dict[int, PlanFiles]]:
    """Return a round and its plans without contact details and remarks.

    Parameters
    ----------
    owner : Round
    plans : mapping of int to mapping of str to bytes
        The files of every plan, by its number.
    inputs : Inputs
        Of the register as it is now.
    by : str
    now : datetime

    Notes
    -----
    The tables are those of the register, in the columns that a plan keeps, and nothing that was given before them is
    kept: what came before can no longer be undone. Every plan still verifies. A plan of format 1 keeps the copies of
    the tables that it was made from as they are, because it cannot be verified without them.
    """
    tables = {name: csv_bytes(_without_reasons(frame)) for name, frame in stored_tables(inputs).items()}
    tables["needs"] = csv_bytes(stored_tables(inputs)["needs"].assign(fund=inputs.all_needs["fund"]))
    sources = {name: Source(f"{name}.csv", content) for name, content in tables.items() if name != "baseline"}
    if "policy" in owner.sources:
        sources["policy"] = owner.sources["policy"]
    events = tuple(_without_texts(one) for one in owner.events)
    changed = with_events(replace(owner, events=events), [new_event("erased", by=by)], now)
    given = GivenFiles(sources, {changed.last_event: sources}, dict.fromkeys(sources, owner.created_at))
    shorn = {number: _plan_without_remarks(files) for number, files in plans.items()}
    files = shorn[changed.current] if changed.current else None
    notes = tuple(replace(one, note="") for one in changed.plans)
    return replace(changed, given=given, files=files, plans=notes), shorn


def _without_texts(event: Event) -> Event:
    about = {name: value for name, value in event.about.items() if name in _KEPT}
    about |= {name: ERASED for name in _TEXTS.get(event.kind, ()) if event.about.get(name)}
    return replace(event, why="", about=about, changes=tuple(map(_without_private_cells, event.changes)))


def _without_private_cells(change: RowChange) -> RowChange:
    known = {*STORED_COLUMNS.get(change.table, ())} - {*_REMARKS}
    # What is known of earlier rounds has no column that a plan keeps; its remarks are called why.
    known = known or {*(change.after or {})} - {"why"}

    def kept(cells: Mapping[str, str] | None) -> Mapping[str, str] | None:
        return None if cells is None else {name: cell for name, cell in cells.items() if name in known}

    return replace(change, before=kept(change.before), after=kept(change.after))


def _plan_without_remarks(files: PlanFiles) -> PlanFiles:
    saved = read_files(files)
    if saved.format == _FORMAT_OF_COPIES:
        return files
    inputs = saved_inputs(saved)
    shorn = without_remarks(saved.plan, inputs)
    changed = {"plan.csv": csv_bytes(shorn.deployments), "unmet.csv": csv_bytes(shorn.unmet)}
    if (path := stored_path("decisions")) in files:
        changed[path] = csv_bytes(_without_reasons(stored_tables(inputs)["decisions"]))
    manifest = json.loads(files[PLAN_MARK])
    for name, content in changed.items():
        digest = hashlib.sha256(content).hexdigest()
        if name in manifest["outputs"]:
            manifest["outputs"][name] = digest
        else:
            manifest["stored"]["decisions"]["sha256"] = digest
    # A notice may repeat a cell of the user's, or the reason of a decision.
    read, reasons = {*manifest["reading_notices"]}, {*inputs.decisions["reason"]} - {""}
    manifest["notices"] = [_without(one, reasons) for one in manifest["notices"] if one not in read]
    manifest["reading_notices"] = []
    changed[PLAN_MARK] = (json.dumps(manifest, indent=2, ensure_ascii=False) + "\n").encode("utf-8")
    return {name: changed.get(name, content) for name, content in files.items()}


def _without(sentence: str, remarks: Iterable[str]) -> str:
    for remark in sorted(remarks, key=len, reverse=True):
        sentence = sentence.replace(f" ({remark})", "")
    return sentence


def _without_reasons(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(**{name: "" for name in _REMARKS if name in frame})
