"""A plan read back: what it held, what it kept of its inputs, and what is said of files that are no plan."""

import json

import pandas as pd
import pytest
import tiny
from saved import signed
from worlds import AS_AT, solved

from matching.allocation import allocate
from matching.errors import DataError
from matching.inputs.read import read_inputs
from matching.plan.as_bytes import plan_files
from matching.plan.directories import write_directory
from matching.plan.equity import equity
from matching.plan.on_disk import read_directory, read_files, saved_inputs
from matching.tables.csv_out import csv_bytes


def files() -> dict[str, bytes]:
    return plan_files(solved(2).plan, solved(2).inputs)


def problems_of(changed: dict[str, bytes]) -> str:
    with pytest.raises(DataError) as caught:
        read_files(changed)
    return str(caught.value)


def manifest(**changes: object) -> dict[str, bytes]:
    return files() | {"manifest.json": json.dumps(json.loads(files()["manifest.json"]) | changes).encode()}


def test_a_saved_plan_reads_back_the_same(tmp_path):
    one = solved(2)
    write_directory(tmp_path / "plan", files())
    saved = read_directory(tmp_path / "plan")
    for name, frame in one.plan.tables().items():
        assert saved.plan.tables()[name].to_numpy().tolist() == frame.to_numpy().tolist()
    assert saved.plan.surplus.to_numpy().tolist() == one.plan.surplus.to_numpy().tolist()
    assert saved.equity.to_numpy().tolist() == equity(one.plan, one.inputs).to_numpy().tolist()
    assert (saved.format, saved.strays) == (4, ())


@pytest.mark.parametrize("number", [1, 2, 3, 4, 5, 6])
def test_its_copies_of_the_inputs_give_the_inputs_of_its_run(number):
    one = solved(number)
    found = saved_inputs(read_files(plan_files(one.plan, one.inputs)))
    for name in ("supporters", "needs", "decisions"):
        before, after = (getattr(inputs, name) for inputs in (one.inputs, found))
        columns = [column for column in before if column not in ("row", "notes", "alliance", "requested_on")]
        pd.testing.assert_frame_equal(before[columns], after[columns], check_dtype=False)
    assert (found.files, found.notices, found.policy, found.as_at) == (
        one.inputs.files,
        one.inputs.notices,
        one.inputs.policy,
        AS_AT,
    )


SCHOOLS = """\
urn,name,phase,easting,northing,trust,head,pupils
100000,"=Alder, ""A"" School",Primary,400000.125,300000,,A Head,12
100001,Birch School,Primary,401000,300000,Oak Trust,B Head,
100002,Cedar School,Secondary,402000,300000,,C Head,
"""
PEOPLE = """\
supporter_id,name,designation,school_urn,phases,specialisms,email,days_available,max_distance_km,conflicts
S1,Ann Ash,SLE,100001,Primary;Secondary,maths;phonics,ann@example.org,5.25,12.5,100002;100000
S2,Bob Bay,LLE,100000,Primary,,bob@example.org,,,
"""
NEEDS = """\
need_id,school_urn,focus,days,notes,contact_name
N1,100000,maths,2,ring after four,Cy Clerk
N2,100000,phonics,0.5,,Cy Clerk
N3,100001,headship,,,Di Clerk
"""


def kept(**tables: str) -> dict[str, bytes]:
    inputs = tiny.read(schools=SCHOOLS, supporters=PEOPLE, needs=NEEDS, **tables)
    return plan_files(allocate(inputs), inputs)


def test_a_plan_keeps_no_contacts_notes_or_columns_of_the_user():
    written = kept()
    copies = {path: content.decode() for path, content in written.items() if path.startswith("inputs/")}
    assert sorted(copies) == [
        f"inputs/{name}" for name in ("needs.csv", "policy.toml", "schools.csv", "supporters.csv")
    ]
    for private in ("A Head", "example.org", "ring after", "Clerk", "pupils"):
        assert not any(private in content for content in copies.values())
    notices = json.loads(written["manifest.json"])["notices"]
    assert "schools.csv: columns that are not used: 'head'." in notices
    assert notices[: len(saved_inputs(read_files(written)).notices)] == list(saved_inputs(read_files(written)).notices)


def test_decisions_are_kept_as_given_with_line_breaks_and_formulas_in_their_words():
    decisions = tiny.decisions(
        'forbid,S2,,100000,"=1+1",A Head,2026-01-31', 'declined,S1,N3,,"one\r\ntwo, ""three""",,', "pin,S2,N3,,,,"
    )
    written = kept(decisions=decisions)
    rows = written["inputs/decisions.csv"].decode("utf-8-sig")
    assert "100000" in rows
    assert json.loads(written["manifest.json"])["inputs"]["decisions"]["rows"] == 3
    before = tiny.read(schools=SCHOOLS, supporters=PEOPLE, needs=NEEDS, decisions=decisions).decisions
    after = saved_inputs(read_files(written)).decisions
    pd.testing.assert_frame_equal(before.drop(columns="row"), after.drop(columns="row"))


def test_unknown_columns_are_kept_when_a_plan_is_written_again():
    rows = solved(2).plan.deployments.assign(visits="3")
    written = signed(files() | {"plan.csv": csv_bytes(rows)})
    saved = read_files(written)
    again = plan_files(saved.plan, saved_inputs(saved))
    assert read_files(again).plan.deployments["visits"].tolist() == ["3"] * len(rows)
    assert again["plan.csv"] == written["plan.csv"]


def test_equal_inputs_of_other_files_give_equal_copies():
    one = solved(3)
    shuffled = read_inputs(one.made.sources(shuffled=4), as_at=AS_AT)
    copies = [
        {path: content for path, content in plan_files(one.plan, inputs).items() if path.startswith("inputs/")}
        for inputs in (one.inputs, shuffled)
    ]
    assert copies[0] == copies[1]


def test_no_plan_there_is_said(tmp_path):
    with pytest.raises(DataError, match=r"manifest\.json is missing"):
        read_directory(tmp_path)


def test_a_newer_format_names_the_version_to_install_and_touches_nothing(tmp_path):
    newer = {"manifest.json": b'{"format": 5, "all else": "is new"}'} | {
        name: b"new" for name in files() if name != "manifest.json"
    }
    write_directory(tmp_path / "plan", newer)
    with pytest.raises(DataError) as caught:
        read_directory(tmp_path / "plan")
    assert str(caught.value) == (
        "manifest.json, column format: This plan has format 5, and this version reads formats 1, 2, 3 and 4. "
        "Install a newer version of school-support-matching."
    )
    assert {path.name: path.read_bytes() for path in (tmp_path / "plan").iterdir() if path.is_file()} == {
        name: content for name, content in newer.items() if "/" not in name
    }


@pytest.mark.parametrize("value", [0, -1, "2", 2.5, None, True, [], {}])
def test_a_format_that_is_none_is_said(value):
    assert "The format of a plan is a whole number" in problems_of(manifest(format=value))


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"7", b"[" * 100_000, b'{"format": 2}', b"\xff\xfe"])
def test_a_manifest_that_is_none_is_said(content):
    assert "manifest.json" in problems_of(files() | {"manifest.json": content})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("written_at", 7),
        ("as_at", "yesterday"),
        ("inputs", []),
        ("inputs", {"needs": {"file": "needs.csv", "sha256": "", "rows": -1}}),
        ("policy", None),
        ("counts", {"needs": "many"}),
        ("counts", {"needs": 10**30}),
        ("notices", [7]),
        ("status", None),
        ("proof", {"method": "prices", "bonus": 1e300}),
        ("objective", []),
        ("outputs", "none"),
        ("stored", None),
        ("reading_notices", "none"),
    ],
)
def test_a_manifest_of_other_types_is_said(key, value):
    assert key in problems_of(manifest(**{key: value}))


@pytest.mark.parametrize("name", ["plan.csv", "unmet.csv", "workload.csv", "excluded.csv", "manifest.json"])
def test_a_missing_file_is_said(name):
    left = {path: content for path, content in files().items() if path != name}
    assert f"{name}: This file of the plan is missing" in problems_of(left)


@pytest.mark.parametrize("content", [b"", b"\n", b"need_id\n", b"\xff", b'"', b"need_id,need_id\nN1,N1\n"])
def test_a_table_that_is_none_is_said(content):
    assert "plan.csv" in problems_of(signed(files() | {"plan.csv": content}))


def test_files_that_are_no_part_of_a_plan_are_named():
    saved = read_files(files() | {"notes.txt": b"", "inputs/old.csv": b"", ".DS_Store": b"", "calendars/all.ics": b""})
    assert saved.strays == ("notes.txt", "inputs/old.csv")


def test_columns_in_another_order_or_left_out_are_refused():
    rows = solved(2).plan.deployments
    for columns in (list(rows)[::-1], list(rows)[:-1], ["need_id"]):
        assert "The columns are not those of a plan" in problems_of(
            signed(files() | {"plan.csv": csv_bytes(rows[columns])})
        )
