"""Verifying saved plans: of every format, against any copy of their inputs, with any damage, whatever their wording."""

import json
import re
from datetime import date
from functools import cache
from pathlib import Path

import pytest
from depth import mostly_long
from saved import TABLES, as_bytes, faults_in, rows_of, signed
from test_check import small

from matching.allocation import allocate
from matching.audit.verify import Verification, sources_for, verify
from matching.errors import DataError
from matching.inputs.inputs import Inputs
from matching.inputs.read import read_inputs
from matching.pairs.market import open_market
from matching.plan import earlier_formats
from matching.plan.as_bytes import csv_bytes, plan_files
from matching.plan.compare import compare
from matching.plan.on_disk import SavedPlan, read_files, saved_inputs
from matching.plan.write import PLAN_FORMAT
from matching.tables.files import Source
from matching.whatif.explain import explain_need

SAVED = Path(__file__).parent.parent / "saved_plans"
PLANS = sorted(path.parent.relative_to(SAVED).as_posix() for path in SAVED.glob("*/*/manifest.json"))


@cache
def files_of(name: str) -> dict[str, bytes]:
    root = SAVED / name
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def outcome(files: dict[str, bytes]) -> Verification:
    saved = read_files(files)
    return verify(saved, _read(tuple(saved.sources.items()), saved.as_at, saved.format))


@cache
def _read(sources: tuple[tuple[str, Source], ...], as_at: date, plan_format: int) -> Inputs:
    return read_inputs(dict(sources), as_at=as_at, columns=earlier_formats.INPUT_COLUMNS.get(plan_format))


def faults_of(files: dict[str, bytes]) -> list[str]:
    try:
        return list(outcome(files).faults)
    except DataError as error:
        return list(map(str, error.problems))


# ---- plans of every version ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", mostly_long(PLANS, every=2))
def test_a_plan_of_an_earlier_version_opens_verifies_explains_and_compares(name):
    saved = read_files(files_of(name))
    assert saved.format < PLAN_FORMAT
    assert outcome(files_of(name)).faults == ()
    market = open_market(saved_inputs(saved))
    for need_id in [*saved.plan.deployments["need_id"][:2], *saved.plan.unmet["need_id"][:2]]:
        assert explain_need(market, saved.plan, need_id).headline
    newest = read_files(
        files_of(f"3740759/{Path(name).name}" if f"3740759/{Path(name).name}" in PLANS else "3740759/days")
    )
    assert compare(saved.plan, newest.plan, lambda: (saved_inputs(saved), saved_inputs(newest))).sentences()
    # Format 1 knew no status.
    assert saved.plan.deployments["status"].eq("" if saved.format == 1 else "proposed").all()


def test_sentences_that_an_earlier_version_worded_otherwise_are_reported_apart():
    (finding,) = outcome(files_of("c69ed79/demo")).wording
    assert re.fullmatch(r"\d+ sentences are worded differently from this version's, with the same facts.", finding)


def test_columns_that_an_earlier_version_did_not_know_are_not_read():
    """Packages came later than this plan: with them it would not hold."""
    files = files_of("901b197/rerun")
    assert b",package," in files["inputs/needs.csv"]
    rows = rows_of(files["inputs/needs.csv"])
    place = rows[0].index("package")
    for row in rows[1:]:
        row[place] = f"of {row[1]}"
    needs = as_bytes(rows)
    assert faults_of(with_input(files, "needs", needs)) == []
    known = with_input(files_of("c69ed79/rerun"), "needs", needs)
    assert faults_of(known) != []


def with_input(files: dict[str, bytes], name: str, content: bytes) -> dict[str, bytes]:
    inputs = json.loads(files["manifest.json"])["inputs"]
    inputs[name]["sha256"] = Source(name, content).sha256
    return signed(files | {f"inputs/{name}.csv": content}, inputs=inputs)


def test_cells_that_are_read_differently_today_are_listed_and_no_faults():
    """A version that kept two blanks in a name, as the file has them."""
    files = files_of("c69ed79/prices")
    plan = files["plan.csv"].replace(b"Alder Primary School", b"Alder  Primary School")
    assert plan != files["plan.csv"]
    fault = "plan.csv N01: school_name is 'Alder  Primary School', and 'Alder Primary School' was expected."
    assert fault in faults_of(signed(files | {"plan.csv": plan}))
    # Its file has both: what the program reads as the name today, and what it read then.
    schools = files["inputs/schools.csv"].replace(b",QX1 1AA,210,A Head\n", b",QX1 1AA,210,Alder  Primary School\n", 1)
    found = outcome(with_input(files | {"plan.csv": plan}, "schools", schools))
    assert found.faults == ()
    assert (
        "schools.csv: name of 100100 is read as 'Alder Primary School' today, and as 'Alder  Primary School' then."
        in (found.findings)
    )


# ---- what a sentence states ----------------------------------------------------------------------------------------

REWORDED = (
    (b"Closest of ", b"The nearest of "),
    (b"same phase", b"the phase is the same"),
    (b" would meet it", b" would be enough for it"),
    (b"full with needs of the same or higher priority", b"taken by needs that are as urgent"),
)


@pytest.mark.parametrize("name", ["small", "c69ed79/days", "23fda5f/demo"])
def test_other_words_are_no_fault(name):
    files = dict(small()) if name == "small" else files_of(name)
    changed = dict(files)
    for table in ("plan.csv", "unmet.csv"):
        for words, others in REWORDED:
            changed[table] = changed[table].replace(words, others)
    assert changed != files
    found = outcome(signed(changed))
    assert found.faults == ()
    assert "worded differently" in found.wording[0]


def tampered(sentence: str) -> list[str]:
    """The sentence with one number, name or code changed."""
    changed = [
        sentence[: found.start()] + str(int(found[0]) + 7) + sentence[found.end() :]
        for found in re.finditer(r"(?<![\w.-])\d+(?![\w-])", sentence)
    ]
    changed += [sentence[: found.end()] + "9" + sentence[found.end() :] for found in re.finditer(r"[NS]\d+", sentence)]
    changed += [
        sentence[: found.start()] + "Somebody" + sentence[found.end() :]
        for found in re.finditer(r"(?<=with )[A-Z]\w+|^[A-Z]\w+(?= [A-Z])", sentence)
    ]
    return [
        *changed,
        *(sentence.replace(one, two) for one, two in (("maths", "phonics"), ("SLE-8", "SLE-7")) if one in sentence),
    ]


@pytest.mark.parametrize("name", mostly_long(["small", "c69ed79/days", "901b197/rerun", "23fda5f/packages"], every=2))
@pytest.mark.parametrize("table", ["plan.csv", "unmet.csv", "excluded.csv"])
def test_another_number_name_or_code_in_a_sentence_is_a_fault(name, table):
    """Every sentence of a table is changed at once, each in one place, and each of them is found."""
    files = dict(small()) if name == "small" else files_of(name)
    head, *rows = rows_of(files[table])
    columns = [head.index(one) for one in ("reason", "nearest_option") if one in head]
    for column in columns:
        changes = [tampered(row[column]) for row in rows]
        for turn in range(max(map(len, changes), default=0)):
            other = [list(row) for row in rows]
            changed = [number for number, one in enumerate(changes) if turn < len(one)]
            for number in changed:
                other[number][column] = changes[number][turn]
            faults = faults_of(signed(files | {table: as_bytes([head, *other])}))
            for number in changed:
                start = f"{table} {rows[number][0]}: {head[column]} is "
                assert any(fault.startswith(start) for fault in faults), other[number][column]


@pytest.mark.long
def test_another_number_in_a_notice_is_a_fault():
    for files in (files_of("c69ed79/demo"), files_of("23fda5f/demo")):
        notices = json.loads(files["manifest.json"])["notices"]
        for number, notice in enumerate(notices):
            for other in (
                re.sub(r"\d+ checks", "44 checks", notice),
                notice.replace("S011", "S012"),
                notice + " And 7.",
            ):
                if other != notice:
                    changed = [*notices[:number], other, *notices[number + 1 :]]
                    assert faults_of(signed(files, notices=changed)), other


# ---- damage --------------------------------------------------------------------------------------------------------


HOSTILE = ("", "999999", "nan", "inf", "1e400", "-0", "9" * 400, "=1+1", "100001", "\u0661")


@pytest.mark.parametrize("table", mostly_long(TABLES, every=2))
def test_hostile_cells_end_in_sentences(table):
    """No value of any cell, whatever its digest, ends in a traceback; each is found, or is only worded otherwise."""
    files = small()
    head, *rows = rows_of(files[table])
    for column in range(len(head)):
        # Another three for every column.
        for value in [*HOSTILE, *HOSTILE][column % len(HOSTILE) :][:3]:
            other = [list(cells) for cells in rows]
            if other[0][column] == value:
                continue
            other[0][column] = value
            changed = signed(files | {table: as_bytes([head, *other])})
            assert faults_of(changed) or outcome(changed).wording, (head[column], value)


def test_a_school_that_no_table_has_is_said():
    files = small()
    urn = rows_of(files["unmet.csv"])[1][1].encode()
    changed = signed(files | {"unmet.csv": files["unmet.csv"].replace(urn, b"999999")})
    assert any("school_urn is '999999'" in fault for fault in faults_of(changed))


@pytest.mark.parametrize("name", ["equity.csv", "surplus.csv"])
def test_a_missing_table_of_the_proof_is_a_fault_in_format_2(name):
    left = {path: content for path, content in small().items() if path != name}
    assert f"{name} is missing, and the manifest holds its digest." in faults_of(left)
    assert f"manifest.json: it holds no digest of {name}, which is part of a plan." in faults_of(signed(left))


def test_a_stray_file_is_a_fault():
    assert faults_of(small() | {"notes.txt": b""}) == ["notes.txt is no part of the plan."]


def test_a_changed_or_missing_copy_of_an_input_is_a_fault():
    files = small()
    assert "inputs/needs.csv was changed after the plan was written" in "".join(
        faults_of(files | {"inputs/needs.csv": files["inputs/needs.csv"].replace(b"high", b"normal")})
    )
    assert faults_of({path: content for path, content in files.items() if path != "inputs/policy.toml"})


@pytest.mark.parametrize("written_at", ["", "today", "2026-09-01", "2026-09-01T09:30:00", "2026-09-01 09:30:00+00:00"])
def test_a_time_of_another_form_is_a_fault(written_at):
    assert "written_at" in faults_of(signed(small(), written_at=written_at))[0]


def test_other_rows_and_another_method_are_faults():
    for files in (small(), files_of("c69ed79/days")):
        manifest = json.loads(files["manifest.json"])
        for name, one in manifest["inputs"].items():
            rows = 7 if one["rows"] is None else one["rows"] + 1
            changed = manifest["inputs"] | {name: one | {"rows": rows}}
            assert faults_of(signed(files, inputs=changed)), name
        for method in ("", "loads", "prices", "prices and search", "by hand"):
            if method != read_files(files).plan.manifest["proof"]["method"]:
                assert faults_of(signed(files, proof=manifest["proof"] | {"method": method})), method


# ---- the files that are given --------------------------------------------------------------------------------------


def given_to(files: dict[str, bytes], **sources: Source) -> Verification:
    saved: SavedPlan = read_files(files)
    return verify(saved, read_inputs(sources_for(saved, sources), as_at=saved.as_at))


def test_the_files_as_given_and_the_copies_are_both_accepted():
    given = read_files(files_of("c69ed79/days")).sources
    inputs = read_inputs(given, as_at=date(2026, 9, 1))

    files = plan_files(allocate(inputs), inputs)
    copies = read_files(files).sources
    renamed = {name: Source("renamed.csv", source.content) for name, source in given.items()}
    for sources in (given, copies, renamed, {**given, "schools": copies["schools"]}):
        assert given_to(files, **sources).faults == ()
    other = Source("needs.csv", given["needs"].content.replace(b"N02", b"N99"))
    assert "The needs file is not the one" in "".join(given_to(files, **{**given, "needs": other}).faults)
    fewer = {name: source for name, source in given.items() if name != "decisions"}
    assert "and none was given" in "".join(given_to(files, **fewer).faults)


def test_unknown_columns_are_no_fault():
    rows = read_files(small()).plan.deployments.assign(visits="3")
    assert faults_in(signed(small() | {"plan.csv": csv_bytes(rows)})) == []
