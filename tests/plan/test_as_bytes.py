"""What leaves: CSV, Excel and zip, as people's programs read them."""

import csv
import hashlib
import io
import json
import zipfile
from datetime import UTC, datetime
from functools import cache

import openpyxl
import pytest
from worlds import decision, need, person, school, solved, world

from matching.plan.as_bytes import excel_bytes, plan_files, zip_bytes
from matching.plan.equity import equity
from matching.tables.csv_out import csv_bytes

NAMES = ("=1+1", "+44", "@x", "-2", "＝1", 'O’Brien, "B"', "Zoë")
TEXT_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


@cache
def awkward():
    """A plan in which every free text would be a formula, if a spreadsheet were let."""
    people = [person(f"S{k}", 1, name=name, max_deployments="0" if k == 6 else "1") for k, name in enumerate(NAMES)]
    schools = [
        school(1, name="=HYPERLINK(1)"),
        school(2, 4, name="+school", local_authority="-authority"),
        school(3, 8, name="@three"),
    ]
    needs = [need(f"N{k}", 2 + k % 2) for k in range(8)]
    pins = (decision("pin", "S0", "N0", reason="=1+1", by="+x"),)
    return world(schools, people, needs, decisions=pins).plan()


def sheets(plan) -> dict[str, list]:
    book = openpyxl.load_workbook(io.BytesIO(excel_bytes(plan)))
    return {sheet.title: list(sheet.iter_rows()) for sheet in book}


def test_no_cell_of_the_workbook_is_a_formula_or_a_link():
    cells = [cell for rows in sheets(awkward()).values() for row in rows for cell in row]
    assert {cell.data_type for cell in cells} <= {"s", "n"}
    assert not any(cell.hyperlink for cell in cells)
    texts = {cell.value for cell in cells if isinstance(cell.value, str)}
    assert {"'=1+1", "'+44", "'@x", "'-2", "'＝1", "'=HYPERLINK(1)", "'+school", "'-authority"} <= texts
    assert not any(text.startswith(TEXT_STARTS) for text in texts)


def test_no_cell_of_the_csv_is_a_formula():
    for frame in awkward().tables().values():
        for row in csv.reader(io.StringIO(csv_bytes(frame).decode("utf-8-sig"), newline="")):
            assert not any(cell.startswith(TEXT_STARTS) for cell in row)


@pytest.mark.parametrize("plan", [awkward, lambda: solved(3).plan])
def test_the_workbook_says_what_the_tables_say(plan):
    plan = plan()
    read = sheets(plan)
    assert list(read) == ["Plan", "Unmet", "Workload", "Excluded"]
    for rows, frame in zip(read.values(), plan.tables().values(), strict=True):
        head, *body = [[cell.value for cell in row] for row in rows]
        assert head == list(frame.columns)
        for found, expected in zip(body, frame.to_numpy().tolist(), strict=True):
            for value, text in zip(found, expected, strict=True):
                assert (value is None and text == "") or value == text or float(value) == float(text)


def test_numbers_are_numbers_in_the_workbook_and_identifiers_are_text():
    head, first, *_ = sheets(awkward())["Plan"]
    kinds = {column.value: cell.data_type for column, cell in zip(head, first, strict=True)}
    assert {kinds[name] for name in ("score", "distance_km", "phase_fit")} == {"n"}
    assert {kinds[name] for name in ("school_urn", "need_id", "home_school_urn")} == {"s"}


def test_csv_has_a_byte_order_mark_and_plain_line_ends():
    for frame in awkward().tables().values():
        content = csv_bytes(frame)
        assert content.startswith(b"\xef\xbb\xbf")
        assert content.count(b"\xef\xbb\xbf") == 1
        assert b"\r" not in content
        rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))
        assert rows == [list(frame.columns), *frame.to_numpy().tolist()]


def test_equal_plans_give_equal_bytes():
    at = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)
    made = solved(5).made
    first, second = (
        plan_files(solved(5).plan, made.inputs(), written_at=at),
        plan_files(solved(5).plan, made.inputs(shuffled=1), written_at=at),
    )
    assert first == second
    assert zip_bytes(first) == zip_bytes(second)
    assert excel_bytes(solved(5).plan) == excel_bytes(solved(5).plan)


def test_the_zip_holds_the_files():
    files = plan_files(solved(5).plan, solved(5).inputs)
    with zipfile.ZipFile(io.BytesIO(zip_bytes(files))) as packed:
        assert packed.testzip() is None
        assert {name: packed.read(name) for name in packed.namelist()} == files


def test_the_manifest_holds_the_digests_and_the_time():
    files = plan_files(solved(5).plan, solved(5).inputs, written_at=datetime(2026, 1, 5, 9, 30, tzinfo=UTC))
    manifest = json.loads(files["manifest.json"])
    assert manifest["written_at"] == "2026-01-05T09:30:00+00:00"
    tables = {name: content for name, content in files.items() if name.endswith(".csv") and "/" not in name}
    assert manifest["outputs"] == {name: hashlib.sha256(content).hexdigest() for name, content in tables.items()}


def test_equity_is_one_more_file_and_on_request_a_sheet():
    one = solved(5)
    table = equity(one.plan, one.inputs)
    files = plan_files(one.plan, one.inputs)
    tables = ["plan.csv", "unmet.csv", "workload.csv", "excluded.csv", "equity.csv", "surplus.csv"]
    assert [name for name in files if not name.startswith("inputs/")] == [*tables, "manifest.json"]
    assert files["equity.csv"] == csv_bytes(table)
    assert (
        json.loads(files["manifest.json"])["outputs"]["equity.csv"] == hashlib.sha256(files["equity.csv"]).hexdigest()
    )
    book = openpyxl.load_workbook(io.BytesIO(excel_bytes(one.plan, equity=table)))
    assert book.sheetnames == ["Plan", "Unmet", "Workload", "Excluded", "Equity"]
    head, total, *_ = book["Equity"].iter_rows(values_only=True)
    assert head == tuple(table.columns)
    assert total[:4] == ("total", "all needs", len(one.inputs.needs), len(one.plan.deployments))
