"""The demo area as people really keep it: one workbook that no program would write."""

import csv
import io
from collections.abc import Callable, Iterable
from datetime import date
from pathlib import Path

from openpyxl import Workbook
from openpyxl.worksheet.worksheet import Worksheet

DEMO = Path(__file__).parents[1] / "data" / "demo"
IN_WORDS = {
    "NLE": "National Leader of Education",
    "LLE": "Local leader of education",
    "SLE": "Specialist Leader of Education",
}
OTHER_WORDS = {
    "special educational needs": "SEND",
    "modern foreign languages": "MFL",
    "religious education": "RE",
    "early years": "EYFS",
}
NAMED_SCHOOL = ("900002", "Wexborough Eastside Nursery Schol")
"""The school of a need of which the workbook has the name, misspelt, where its URN belongs."""


def demo(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO((DEMO / f"{name}.csv").read_text(encoding="utf-8-sig"))))


def as_kept_by_people() -> bytes:
    """Several sheets, titles, merged headers, blank rows, dates of both kinds, numbers, other words, a slip or two.

    One required header is unknown (`Full name`), one need names its school, and one focus is misspelt.
    """
    book = Workbook()
    book.active.title = "Read me"
    book.active.append(["Our round for the autumn. Please do not sort the sheets."])
    _schools(book.create_sheet("Schools 2026"))
    _people(book.create_sheet("Our leaders"))
    _requests(book.create_sheet("Requests"))
    _evidence(book.create_sheet("Evidence"))
    packed = io.BytesIO()
    book.save(packed)
    return packed.getvalue()


def _schools(sheet: Worksheet) -> None:
    rows = demo("schools")
    sheet.append(["All schools of the area, September 2026"])
    sheet.append([])
    # The header is two rows high: every name is merged over both, and stands in the upper one.
    sheet.append(list(rows[0]))
    sheet.append([])
    for column in range(1, len(rows[0]) + 1):
        sheet.merge_cells(start_row=3, end_row=4, start_column=column, end_column=column)
    numbers = ("urn", "easting", "northing", "pupils", "fsm_percent")
    _fill(sheet, rows, lambda name, cell: float(cell) if cell and name in numbers else cell)
    for _ in range(5):
        sheet.append(["", "  ", ""])


def _people(sheet: Worksheet) -> None:
    rows = demo("supporters")
    header = ["Full name" if name == "name" else name for name in rows[0]]
    sheet.append(header)

    def cell(name: str, value: str) -> object:
        if name == "designation":
            return IN_WORDS[value]
        if name == "specialisms":
            return "\n".join(OTHER_WORDS.get(word, word) for word in value.split(";"))
        if name == "phases":
            return value.replace(";", ", ")
        return float(value) if value and name in ("school_urn", "max_deployments") else value

    _fill(sheet, rows, cell)


def _requests(sheet: Worksheet) -> None:
    rows = demo("needs")
    sheet.append(["Requests received"])
    sheet.append(list(rows[0]))
    rows[1]["school_urn"] = NAMED_SCHOOL[1]
    rows[2]["focus"] = "Phonix"

    def cell(name: str, value: str) -> object:
        if name == "school_urn" and value.isdecimal():
            return int(value)
        return OTHER_WORDS.get(value, value) if name == "focus" else value.upper() if name == "priority" else value

    rows[1]["school_urn"] = NAMED_SCHOOL[1]
    _fill(sheet, rows, cell)


def _evidence(sheet: Worksheet) -> None:
    rows = demo("accreditation")
    sheet.append(list(rows[0]))
    dates = iter(range(len(rows)))

    def cell(name: str, value: str) -> object:
        if name != "checked_on" or not value:
            return value
        day = date.fromisoformat(value)
        return day if next(dates) % 2 else f"{day:%d/%m/%Y}"

    _fill(sheet, rows, cell)


def _fill(sheet: Worksheet, rows: Iterable[dict[str, str]], cell: Callable[[str, str], object]) -> None:
    for row in rows:
        sheet.append([cell(name, value) or None for name, value in row.items()])
