"""Contact details: checked when they are given, and in no plan, no file that is handed over and no log."""

import json
import zipfile
from io import BytesIO

import pandas as pd
import pytest
import tiny
from hypothesis import given, settings
from hypothesis import strategies as st
from stores import opened

from matching.allocation import allocate
from matching.commands.export import export_plan
from matching.errors import DataError
from matching.inputs.read import read_inputs
from matching.plan.as_bytes import plan_files
from matching.plan.directories import write_directory
from matching.rounds.edits import changed_rows, edited_need
from matching.rounds.history.events import new_event
from matching.rounds.history.state import state_of
from matching.rounds.history.table import history_csv
from matching.rounds.planning.live_plan import with_statuses
from matching.rounds.planning.standing import is_same_register
from matching.rounds.register import rows_by_key, table_cells
from matching.tables.cell_values import CellError
from matching.tables.contacts import CONTACTS, email, phone
from matching.tables.files import Source

TABLES = {"schools": tiny.SCHOOLS, "supporters": tiny.SUPPORTERS, "needs": tiny.NEEDS}
CELLS = {"name": "Zq{0} Planted", "email": "zq{0}@planted.example", "phone": "0199999{0:05d}"}
PLANTED = ("planted", "zq", "0199999")


def with_contacts(places: dict[str, list[int]] | None = None) -> dict[str, Source]:
    """The tiny round with a word in each contact cell that is nowhere else; `places` are where the columns stand."""
    sources, number = {}, 0
    for name, table in TABLES.items():
        frame = tiny.frame_of(table)
        for at, column in enumerate(CONTACTS[name]):
            number += 1
            cells = [CELLS[column.split("_")[-1]].format(1000 * number + row) for row in range(len(frame))]
            place = (places or {}).get(name, [])[at : at + 1]
            frame.insert(min(place[0], len(frame.columns)) if place else len(frame.columns), column, cells)
        sources[name] = Source(f"{name}.csv", frame.to_csv(index=False).encode())
    return sources


def every_text(content: bytes) -> str:
    """What a file holds, those of a zip or a workbook in it too."""
    if content[:2] == b"PK":
        with zipfile.ZipFile(BytesIO(content)) as packed:
            return "\n".join(every_text(packed.read(one)) for one in packed.namelist())
    return content.decode("utf-8", "replace").casefold()


def assert_nothing_planted(files: dict[str, bytes]) -> None:
    assert len(files) > 5
    for name, content in files.items():
        assert not [word for word in PLANTED if word in every_text(content)], name


@settings(max_examples=5)
@given(st.fixed_dictionaries({name: st.lists(st.integers(0, 9), max_size=3) for name in TABLES}))
def test_a_plan_keeps_no_contact_wherever_the_columns_stand(places):
    sources = with_contacts(places)
    inputs = read_inputs(sources, as_at=tiny.AS_AT)
    assert inputs.supporters["email"].str.contains("planted").all()
    assert_nothing_planted(plan_files(allocate(inputs), inputs))
    assert not [one for one in inputs.notices if any(word in one.casefold() for word in PLANTED)]


def test_an_export_and_the_hand_over_of_a_round_hold_no_contact(tmp_path, capsys):
    sources = with_contacts()
    inputs = read_inputs(sources, as_at=tiny.AS_AT)
    plan = allocate(inputs)
    first = plan.deployments.to_dict("records")[0]
    about = {"need_id": first["need_id"], "supporter_id": first["supporter_id"]}
    with opened(tmp_path / "rounds.db") as store:
        seen = store.save_plan(store.create("Autumn", sources), plan_files(plan, inputs))
        row = rows_by_key(table_cells(seen.sources, "needs"), "needs")[(first["need_id"],)]
        changed = edited_need(row, {"contact_email": "zq@planted.example"}, by="Jo")
        seen = store.record(seen, [changed, new_event("status", by="Jo", status="approached", **about)])
    handed = plan_files(with_statuses(plan, state_of(seen.events)), read_inputs(seen.sources, as_at=tiny.AS_AT))
    assert b"approached" in handed["plan.csv"]
    for words in ({"with_remarks": False}, {"with_remarks": True}):
        write_directory(tmp_path / "plan", handed, mark="manifest.json")
        export_plan(tmp_path / "plan", tmp_path / "out", "Autumn", None, **words)
        written = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
        assert_nothing_planted({**handed, **written, "history.csv": history_csv(seen.events)})
    said = capsys.readouterr()
    assert not [word for word in PLANTED if word in (said.out + said.err).casefold()]


def test_changing_a_contact_never_outdates_a_plan_and_is_possible_once_it_is_approved(tmp_path):
    sources = {name: Source(f"{name}.csv", table.encode()) for name, table in TABLES.items()}
    inputs = read_inputs(sources, as_at=tiny.AS_AT)
    with opened(tmp_path / "rounds.db") as store:
        seen = store.save_plan(store.create("Autumn", sources), files := plan_files(allocate(inputs), inputs))
        seen = store.approve(seen, files)
        rows = rows_by_key(table_cells(seen.sources, "supporters"), "supporters")
        change = changed_rows("supporter_changed", "supporters", [rows[("S1",)]], {"email": "ann@example.org"}, by="Jo")
        seen = store.record(seen, [change])
        assert "ann@example.org" in seen.sources["supporters"].content.decode()
        manifest = json.loads(seen.files["manifest.json"])
        read = lambda: read_inputs(seen.sources, as_at=tiny.AS_AT)  # noqa: E731
        assert is_same_register(manifest, seen.sources, read)
        with pytest.raises(DataError, match="The round is approved"):
            store.record(
                seen,
                [changed_rows("supporter_changed", "supporters", [rows[("S2",)]], {"days_available": "3"}, by="Jo")],
            )
        seen = store.reopen(seen)
        days = changed_rows("supporter_changed", "supporters", [rows[("S2",)]], {"days_available": "3"}, by="Jo")
        seen = store.record(seen, [days])
        assert not is_same_register(manifest, seen.sources, read)


def test_a_gias_extract_gives_no_contact():
    extract = (
        "URN,EstablishmentName,TypeOfEstablishment (code),EstablishmentStatus (name),PhaseOfEducation (name),Easting,"
        "Northing,HeadFirstName,HeadLastName,TelephoneNum,contact_name,contact_email\n"
        "100000,Alder School,01,Open,Primary,400000,300000,Planted,Planted,01999990000,Planted,zq@planted.example\n"
    )
    inputs = tiny.read(
        schools=extract,
        supporters=tiny.SUPPORTERS.replace("100001", "100000"),
        needs="need_id,school_urn,focus\nN1,100000,maths\n",
    )
    held = pd.concat([inputs.schools.astype(str).stack(), pd.Series(inputs.notices)])
    assert not held.str.contains("planted|0199999", case=False).any()


@pytest.mark.parametrize("cell", ["jo@example.org", "Jo.O'Brien+s2s@school.example.sch.uk", "zoë@example.org"])
def test_a_sound_address_is_kept_as_written(cell):
    assert email(cell) == cell


@pytest.mark.parametrize(
    ("cell", "offers"),
    [
        ("jo@example", ()),
        ("jo example.org", ()),
        ("jo@@example.org", ()),
        ("jo..b@example.org", ()),
        ("Jo Bell <jo@example.org>", ("jo@example.org",)),
        ("jo@example.org; al@example.org", ("jo@example.org", "al@example.org")),
    ],
)
def test_a_faulty_address_is_refused_with_what_it_may_be(cell, offers):
    with pytest.raises(CellError, match="This is not an email address") as caught:
        email(cell)
    assert caught.value.offers == offers
    assert cell not in caught.value.message
    assert all(one in caught.value.fix for one in offers)


@pytest.mark.parametrize(
    "cell", ["020 7946 0018", "+44 (0)1632 960123", "01632 960123 (school) or 07700 900123", "ext 214"]
)
def test_a_sound_number_is_kept_as_written(cell):
    assert phone(cell) == cell


@pytest.mark.parametrize("cell", ["12", "ask the office", "1.6E+09"])
def test_a_faulty_number_is_refused(cell):
    with pytest.raises(CellError, match="This is not a telephone number"):
        phone(cell)


def test_every_fault_of_a_table_is_listed_with_its_cell_and_no_row_goes_because_of_it():
    people = tiny.frame_of(tiny.SUPPORTERS).assign(email=["ann@example", "", "cy@example.org"], phone=["", "12", ""])
    for leave_out in (False, True):
        inputs = read_inputs(tiny.sources(supporters=people.to_csv(index=False)), leave_out=leave_out)
        with pytest.raises(DataError) as caught:
            inputs.with_sound_contacts()
        assert [str(one).split(":")[0] for one in caught.value.problems] == [
            "supporters.csv row 2, email",
            "supporters.csv row 3, phone",
        ]
    # A round of an earlier version, which read no contacts, opens with them blank.
    assert inputs.supporters["email"].tolist() == ["", "", "cy@example.org"]
    assert_nothing_planted(plan_files(allocate(inputs), inputs))
    with pytest.raises(DataError, match="designation"):
        tiny.read(supporters=people.assign(designation="?").to_csv(index=False))
