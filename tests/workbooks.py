"""The demo area as people really keep it: workbooks that no program would write."""

import csv
import io
from collections.abc import Callable, Iterable, Sequence
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


# ---- a teaching school's own lists --------------------------------------------------------------------------------

PEOPLE, REQUESTS = 40, 60
TYPED = {"2 days a week": "6", "Y5-Y8": "Middle deemed secondary", "Sowing": "geography"}
"""What the coordinator types where nothing can be offered, by the cell."""
_PEOPLE_HEADERS = {
    "supporter_id": "Ref",
    "name": "Name of SLE",
    "designation": "Role",
    "school_urn": "Based at",
    "phases": "Phase(s)",
    "specialisms": "Specialist areas",
    "max_deployments": "How many schools?",
    "days_available": "Days they can offer",
    "max_distance_km": "Willing to travel (miles)",
    "available_from": "Free from",
    "": "Line manager",
}
_REQUEST_HEADERS = {
    "need_id": "Request number",
    "school_urn": "School",
    "focus": "What support is needed?",
    "designations": "Type of leader",
    "days": "How many days?",
    "priority": "How urgent?",
    "start_by": "Needed by",
    "notes": "Any other comments",
}
_ROLES = {"SLE": ("SLE", "S.L.E.", "Specialist Leader of Education", "sle", "Specialist Leader (SLE)")}
_PHASES = {
    "Primary": ("Primary", "KS1/KS2", "Reception to Year 6", "R-Y6", "Infant/Junior", "primary school"),
    "Secondary": ("Secondary", "KS3 & KS4", "Years 7 to 11", "High school"),
    "16 plus": ("KS5", "Sixth form"),
}
_AREAS = {
    **{word: (word, other) for word, other in OTHER_WORDS.items()},
    "maths": ("Maths", "Numeracy", "Mathematics"),
    "English": ("English", "Literacy"),
    "special educational needs": ("SENCO", "SEND", "S.E.N."),
    "behaviour and discipline": ("Behaviour", "Behaviour & discipline"),
    "headship": ("Headship", "New headteacher"),
}
_PRIORITIES = {
    "critical": ("Critical", "URGENT", "Very urgent"),
    "high": ("High", "HIGH", "high"),
    "normal": ("Medium", "Low", "normal", None),
}
_FREE_FROM = ("14/9/2026", "1 Sept 2026", "1.9.26", None, "2026-09-01", None, "3/4/26")


def as_kept_by_a_teaching_school() -> bytes:
    """Lists of people and requests with schools by name, headers of their own, titles above them, and mixed words.

    What they mean is the demo area's first people and needs; `TYPED` has the answers that a person must know.
    """
    book = Workbook()
    book.active.title = "Read me"
    book.active.append(["Lists of the alliance, kept by the office. Ask before you sort."])
    _schools(book.create_sheet("Schools 2026"))
    names = {row["urn"]: row["name"] for row in demo("schools")}
    _sle_list(book.create_sheet("SLE list"), names)
    _request_list(book.create_sheet("Requests 26-27"), names)
    packed = io.BytesIO()
    book.save(packed)
    return packed.getvalue()


def _titled(sheet: Worksheet, title: str, headers: dict[str, str]) -> None:
    sheet.append([title])
    sheet.merge_cells(start_row=1, end_row=1, start_column=1, end_column=len(headers))
    sheet.append([None, "Last updated by JP, please check before use"])
    sheet.append([])
    sheet.append(list(headers.values()))


def _sle_list(sheet: Worksheet, names: dict[str, str]) -> None:
    _titled(sheet, "Specialist leaders, autumn term 2026", _PEOPLE_HEADERS)
    for at, row in enumerate(demo("supporters")[:PEOPLE]):
        areas = [_turn(_AREAS.get(word, (word,)), at) for word in filter(None, row["specialisms"].split(";"))]
        phases = [_turn(_PHASES.get(word, (word,)), at) for word in row["phases"].split(";")]
        cells = {
            **row,
            "designation": _turn(_ROLES.get(row["designation"], (IN_WORDS[row["designation"]],)), at),
            "school_urn": _by_name(names[row["school_urn"]], at),
            "phases": (", ", " & ", "; ")[at % 3].join(phases),
            "specialisms": "Sowing"
            if row["specialisms"] == "geography"
            else (" / ", ", ", " and ")[at % 3].join(areas),
            "days_available": _turn((f"{row['days_available']} days", row["days_available"]), at)
            if row["days_available"]
            else None,
            "max_distance_km": _turn((20, "20 miles", "30km", None, "about 25 miles"), at),
            "available_from": "9/14/2026" if at == 11 else _turn(_FREE_FROM, at),
            "": "Mrs Head",
        }
        if row["phases"] == "Middle deemed secondary":
            cells["phases"] = "Y5-Y8"
        sheet.append([cells[name] or None for name in _PEOPLE_HEADERS])
    for _ in range(3):
        sheet.append(["", " "])


def _request_list(sheet: Worksheet, names: dict[str, str]) -> None:
    _titled(sheet, "Requests for support 2026-27", _REQUEST_HEADERS)
    for at, row in enumerate(demo("needs")[:REQUESTS]):
        days = row["days"]
        cells = {
            **row,
            "school_urn": _by_name(names[row["school_urn"]], at),
            "focus": _turn(_AREAS.get(row["focus"], (row["focus"],)), at),
            "designations": row["designations"] and IN_WORDS.get(row["designations"], row["designations"]),
            "days": _turn((int(days), f"{days} days", f"{days}d", f" {days} Days "), at),
            "priority": _turn(_PRIORITIES[row["priority"]], at),
            "start_by": _turn((None, "14 Sept 2026", None, "14/9/2026"), at),
            "notes": "Spoke to the head\nin July" if at % 9 == 4 else None,
        }
        if at in (7, 8, 9):
            cells["days"] = {7: "2 days a week", 8: f"up to {days} days", 9: "half a day"}[at]
        sheet.append([cells.get(name) for name in _REQUEST_HEADERS])
    sheet.append([])


def _turn(forms: Sequence[object], at: int) -> object:
    return forms[at % len(forms)]


def _by_name(name: str, at: int) -> str:
    """The name of a school as someone types it; every 13th with a slip."""
    if at % 13 == 5:
        return name[:4] + name[5:]
    forms = (
        name,
        name.replace("Church of England", "C of E").replace("Saint", "St."),
        name.upper().replace("CHURCH OF ENGLAND", "CofE"),
        name.replace(" School", "").replace("'", "’"),
        name.replace(" Primary School", " Primary").replace("Catholic", "RC"),
    )
    return forms[at % len(forms)]
