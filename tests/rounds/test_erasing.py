"""Erasing: no contact detail and no remark of a finished round stays in the database, and its plans still verify."""

from decimal import Decimal

import pytest
import tiny
from stores import held, opened, raw
from test_contacts import with_contacts

from matching.allocation import allocate
from matching.audit.verify import verify
from matching.errors import DataError
from matching.inputs.read import read_inputs
from matching.plan.as_bytes import plan_files
from matching.plan.on_disk import read_files, saved_inputs
from matching.rounds.edits import changed_rows
from matching.rounds.history.events import Event, new_event
from matching.rounds.history.state import state_of
from matching.rounds.register import rows_by_key, table_cells
from matching.rounds.round import Round
from matching.rounds.storage.uploads import Upload, open_uploads
from matching.rounds.store import RoundStore

WORD = "Zqplanted"
PLANTED = (b"zq", b"planted", b"0199999")


def entry(kind: str, need_id: str, supporter_id: str, **about: str) -> Event:
    return new_event(kind, by="Jo", why=f"{WORD} why", need_id=need_id, supporter_id=supporter_id, **about)


def lived_in(store: RoundStore) -> Round:
    """A round with a planted word in each contact detail, note and reason, and in the plan that it approved."""
    sources = with_contacts()
    needs = tiny.frame_of(sources["needs"].content.decode()).assign(notes=f"{WORD} note", mine=f"{WORD} column")
    sources["needs"] = tiny.as_source("needs", needs.to_csv(index=False))
    decided = tiny.decisions(f"forbid,S3,N1,,{WORD} reason,Jo,", f"pin,S2,N2,,{WORD} pin,Jo,")
    sources["decisions"] = tiny.as_source("decisions", decided)
    inputs = read_inputs(sources, as_at=tiny.AS_AT)
    seen = store.create("Autumn", sources)
    seen = store.save_plan(seen, plan_files(allocate(inputs), inputs), why=f"{WORD} why")
    today = seen.events[0].at.date().isoformat()
    row = rows_by_key(table_cells(seen.sources, "needs"), "needs")[("N3",)]
    seen = store.record(
        seen,
        [
            changed_rows("need_changed", "needs", [row], {"days": "1", "contact_email": "zq@planted.example"}, by="Jo"),
            entry("declined", "N3", "S1"),
            entry("note", "N1", "S1", text=f"{WORD} text"),
            entry("status", "N2", "S2", status="approached"),
            new_event("desk", by="Jo", consents=""),
            entry("status", "N2", "S2", status="agreed"),
            entry("terms", "N2", "S2", objectives=f"{WORD} objectives"),
            entry("visit", "N2", "S2", on=today, days="0.25", by_whom=f"{WORD} head", text=f"{WORD} visit"),
            entry("review", "N2", "S2", on=today, text=f"{WORD} review"),
            entry("evaluation", "N2", "S2", on=today, rating="4", text=f"{WORD} impact"),
            new_event("rates", by="Jo", LLE="400.50"),
            new_event("template", by="Jo", name="remind", subject=f"{WORD} subject", text=f"{WORD} words"),
            entry("message", "N2", "S2", template="confirm"),
        ],
    )
    seen = store.undo(seen, seen.last_event - 10, by="Jo", why=f"{WORD} why")
    return store.archive(store.approve(seen, seen.files or {}), why=f"{WORD} why")


def everything(path) -> bytes:
    return b"".join(one.read_bytes() for one in path.parent.iterdir() if one.name.startswith(path.name)).lower()


def test_nothing_planted_stays_in_the_file_and_the_rest_does(tmp_path):
    path = tmp_path / "rounds.db"
    with opened(path) as store:
        seen = lived_in(store)
        open_uploads(f"sqlite:///{path}").keep(
            Upload("Newer", round_id=seen.round_id, sources=with_contacts(), by="Jo")
        )
        assert all(word in everything(path) for word in PLANTED)
        before, inputs = state_of(seen.events), read_inputs(seen.sources, as_at=tiny.AS_AT)
        after = store.erase(seen, inputs, by="Ann")
        assert after == store.get(seen.round_id)
        files = store.export_round(seen.round_id)
    assert not [word for word in PLANTED if word in everything(path)]
    now = state_of(after.events)
    assert (now.statuses, {*now.barred}, now.plan) == (before.statuses, {*before.barred}, before.plan)
    assert (now.rates, now.support.days_used(("N2", "S2"))) == (before.rates, Decimal("0.25"))
    assert [(one.kind, one.at, one.by) for one in after.events[:-1]] == [
        (one.kind, one.at, one.by) for one in seen.events
    ]
    assert (after.events[-1].kind, after.events[-1].by, after.approved) == ("erased", "Ann", seen.approved)
    # Changes of rows that were made before are in the tables, and are not made twice.
    assert rows_by_key(table_cells(after.sources, "needs"), "needs")[("N3",)]["days"] == "1"
    with opened(tmp_path / "other.db") as other:
        assert other.import_round(files).sources == after.sources


def test_every_plan_still_verifies(tmp_path):
    with opened(tmp_path / "rounds.db") as store:
        seen = lived_in(store)
        store.erase(seen, read_inputs(seen.sources, as_at=tiny.AS_AT))
        for record in store.plans(seen.round_id):
            saved = read_files(store.plan_files(seen.round_id, record.number))
            assert "Pinned" in saved.plan.deployments.set_index("need_id").at["N2", "reason"]
            checked = verify(saved, saved_inputs(saved))
            assert not [*checked.faults, *checked.wording]


def test_the_tables_stay_closed_against_changes_and_other_rounds_stay_as_they_are(tmp_path):
    path = tmp_path / "rounds.db"
    with opened(path) as store:
        seen = lived_in(store)
        copy = store.copy(seen.round_id, "Copy")
        exported = store.export_round(copy.round_id)
        store.erase(seen, read_inputs(seen.sources, as_at=tiny.AS_AT))
        assert store.export_round(copy.round_id) == exported
    with raw(path) as connection, pytest.raises(Exception, match="never"):
        connection.execute("UPDATE events SET why = 'x'")


def test_only_an_archived_round_is_erased_and_what_came_before_cannot_be_undone(tmp_path):
    with opened(tmp_path / "rounds.db") as store:
        seen = lived_in(store)
        inputs = read_inputs(seen.sources, as_at=tiny.AS_AT)
        back = store.unarchive(seen)
        with pytest.raises(DataError, match="Archive it first"):
            store.erase(back, inputs)
        after = store.erase(store.archive(back), inputs)
        changed = next(one.number for one in after.events if one.kind == "need_changed")
        after = store.reopen(store.unarchive(after))
        with pytest.raises(DataError, match="was replaced since"):
            store.undo(after, changed)


def test_a_file_that_is_read_by_another_program_is_said_to_hold_traces(tmp_path):
    path = tmp_path / "rounds.db"
    with opened(path, wait_s=0.1) as store:
        seen = lived_in(store)
        inputs = read_inputs(seen.sources, as_at=tiny.AS_AT)
        with raw(path) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT * FROM events").fetchone()
            with pytest.raises(DataError, match="traces may be left"):
                store.erase(seen, inputs)
        after = held(store, seen.round_id)
        assert after.events[-1].kind == "erased"
        store.erase(after, inputs)
    assert not [word for word in PLANTED if word in everything(path)]
