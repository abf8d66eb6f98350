"""A plan as bytes: CSV for people, JSON for the record, one Excel workbook, one zip.

The command line and the screens both use these functions, so that they write the same bytes.
"""

import csv
import hashlib
import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import pandas as pd

from matching.inputs.inputs import Inputs
from matching.plan.equity import equity as equity_of
from matching.plan.stored_inputs import stored_path, stored_tables
from matching.plan.write import Plan
from matching.tables.csv_out import csv_bytes, workbook_bytes
from matching.tables.policy import policy_toml

NUMBER_COLUMNS = {
    "days",
    "distance_km",
    "score",
    "specialism_fit",
    "phase_fit",
    "distance_fit",
    "deployments",
    "max_deployments",
    "days_used",
    "days_available",
    "days_logged",
    "cost_agreed",
    "cost_logged",
    "price",
    "needs",
    "met",
    "met_percent",
    "mean_score",
    "mean_distance_km",
}
EQUITY_FILE = "equity.csv"
CALENDARS = "calendars/"
"""Where a hand-over has its calendars, next to the files of the plan; they are no part of it."""
SURPLUS_FILE = "surplus.csv"
_SHEET_TITLES = {
    "plan.csv": "Plan",
    "unmet.csv": "Unmet",
    "workload.csv": "Workload",
    "excluded.csv": "Excluded",
    EQUITY_FILE: "Equity",
}
# A zip keeps the time of each file; a fixed one keeps equal plans equal.
_ZIP_TIME = (1980, 1, 1, 0, 0, 0)


def plan_files(plan: Plan, inputs: Inputs, *, written_at: datetime | None = None) -> dict[str, bytes]:
    """Return every file of a plan's directory by its path there, with the inputs that it was made from.

    Parameters
    ----------
    inputs : Inputs
        Those that the plan was made from. They are kept as `stored_tables` gives them, so that the plan can be verified
        and explained by itself.
    written_at : datetime, optional
        Now where it is not given.
    """
    tables = {**plan.tables(), EQUITY_FILE: equity_of(plan, inputs)}
    if plan.surplus is not None:
        tables[SURPLUS_FILE] = plan.surplus
    files = {name: csv_bytes(frame) for name, frame in tables.items()}
    stored = stored_tables(inputs)
    copies = {name: _stored_bytes(table) for name, table in stored.items()} | {"policy": policy_toml(inputs.policy)}
    manifest = {
        "written_at": (written_at or datetime.now(UTC)).isoformat(timespec="seconds"),
        **plan.manifest,
        "outputs": {name: _digest(content) for name, content in files.items()},
        "stored": {
            name: {
                "file": stored_path(name),
                "sha256": _digest(content),
                "rows": len(stored[name]) if name in stored else None,
            }
            for name, content in copies.items()
        },
        "reading_notices": list(inputs.notices),
    }
    files["manifest.json"] = (json.dumps(manifest, indent=2, ensure_ascii=False) + "\n").encode("utf-8")
    return files | {stored_path(name): content for name, content in sorted(copies.items())}


def stored_digests(inputs: Inputs) -> dict[str, str]:
    """Return the digests of the tables that a plan made from these inputs keeps, by table."""
    return {name: _digest(_stored_bytes(table)) for name, table in stored_tables(inputs).items()}


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _stored_bytes(table: pd.DataFrame) -> bytes:
    # Written by the csv module itself, which takes a third of the time that pandas takes for the schools of England.
    cells = [table[column].tolist() for column in table]
    # A line break of an old kind is kept only within quotation marks.
    has_breaks = any("\r" in "".join(column) for column in cells)
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL if has_breaks else csv.QUOTE_MINIMAL)
    writer.writerow(table.columns)
    writer.writerows(zip(*cells, strict=True))
    return b"\xef\xbb\xbf" + text.getvalue().encode("utf-8")


def zip_bytes(files: Mapping[str, bytes]) -> bytes:
    """Return files in one zip; equal files give an equal zip."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, _ZIP_TIME), content, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def numbered(named: Sequence[tuple[str, bytes]], ending: str) -> dict[str, bytes]:
    """Return contents by file name: a number, the letters and digits of a name, and an ending."""
    width = len(str(len(named)))
    return {
        f"{place:0{width}} {_plain(name)}.{ending}": content for place, (name, content) in enumerate(named, start=1)
    }


_LONGEST_FILE_NAME = 60


def _plain(name: str) -> str:
    letters = "".join(one if one.isalnum() else " " for one in name)
    return " ".join(letters.split())[:_LONGEST_FILE_NAME].strip() or "without name"


def excel_bytes(plan: Plan, *, equity: pd.DataFrame | None = None) -> bytes:
    """Return the tables, and that of equity where it is given, as one workbook; no cell is a formula or a link."""
    tables = plan.tables() if equity is None else {**plan.tables(), EQUITY_FILE: equity}
    return workbook_bytes({_SHEET_TITLES[name]: table for name, table in tables.items()}, NUMBER_COLUMNS)
