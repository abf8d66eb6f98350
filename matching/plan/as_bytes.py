"""A plan as bytes: CSV for people, JSON for the record, one Excel workbook, one zip.

The command line writes these bytes and the screens offer them, so that both leave the same.
"""

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime

import pandas as pd

from matching.plan.write import Plan
from matching.tables.csv_out import csv_bytes
from matching.tables.files import Source, is_gzip, is_xlsx, is_zip

_NUMBER_COLUMNS = {
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
    "price",
    "needs",
    "met",
    "met_percent",
    "mean_score",
    "mean_distance_km",
}
EQUITY_FILE = "equity.csv"
SURPLUS_FILE = "surplus.csv"
_SHEET_TITLES = {
    "plan.csv": "Plan",
    "unmet.csv": "Unmet",
    "workload.csv": "Workload",
    "excluded.csv": "Excluded",
    EQUITY_FILE: "Equity",
}
_WIDEST_COLUMN = 60
# A zip keeps the time of each file; a fixed one keeps equal plans equal.
_ZIP_TIME = (1980, 1, 1, 0, 0, 0)


def plan_files(
    plan: Plan,
    sources: Mapping[str, Source],
    *,
    equity: pd.DataFrame | None = None,
    written_at: datetime | None = None,
) -> dict[str, bytes]:
    """Every file of a plan directory by its path there, with copies of the inputs so that it explains itself.

    Parameters
    ----------
    plan : Plan
    sources : mapping of str to Source
        The inputs as they were read.
    equity : DataFrame, optional
        As `matching.equity.equity` gives it; without it there is no equity.csv.
    written_at : datetime, optional
        Now where it is not given.
    """
    tables = _tables(plan, equity) | ({} if plan.surplus is None else {SURPLUS_FILE: plan.surplus})
    files = {name: csv_bytes(frame) for name, frame in tables.items()}
    manifest = {
        "written_at": (written_at or datetime.now(UTC)).isoformat(timespec="seconds"),
        **plan.manifest,
        "outputs": {name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
    }
    files["manifest.json"] = (json.dumps(manifest, indent=2, ensure_ascii=False) + "\n").encode("utf-8")
    for name, source in sorted(sources.items()):
        files[f"inputs/{name}{_suffix(name, source.content)}"] = source.content
    return files


def zip_bytes(files: Mapping[str, bytes]) -> bytes:
    """Files in one zip; equal files give an equal zip."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, _ZIP_TIME), content, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def excel_bytes(plan: Plan, *, equity: pd.DataFrame | None = None) -> bytes:
    """The tables, with that of equity where it is given, as sheets of one workbook; no cell is a formula or a link."""
    import xlsxwriter  # noqa: PLC0415 - slow to load, and most plans leave as CSV

    packed = io.BytesIO()
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False, "in_memory": True}
    with xlsxwriter.Workbook(packed, options) as book:
        book.set_properties({"created": datetime(1980, 1, 1, tzinfo=UTC).replace(tzinfo=None)})
        bold = book.add_format({"bold": True, "bottom": 1})
        for name, frame in _tables(plan, equity).items():
            sheet = book.add_worksheet(_SHEET_TITLES[name])
            sheet.freeze_panes(1, 0)
            sheet.write_row(0, 0, list(frame.columns), bold)
            for number, column in enumerate(frame):
                cells = frame[column].tolist()
                for row, cell in enumerate(cells, start=1):
                    if cell != "" and column in _NUMBER_COLUMNS:
                        sheet.write_number(row, number, float(cell))
                    else:
                        sheet.write_string(row, number, cell)
                width = max(len(str(column)), *(len(cell) for cell in cells)) if cells else len(str(column))
                sheet.set_column(number, number, min(width + 2, _WIDEST_COLUMN))
            if len(frame):
                sheet.autofilter(0, 0, len(frame), len(frame.columns) - 1)
    return packed.getvalue()


def _tables(plan: Plan, equity: pd.DataFrame | None) -> dict[str, pd.DataFrame]:
    return plan.tables() if equity is None else {**plan.tables(), EQUITY_FILE: equity}


def _suffix(name: str, content: bytes) -> str:
    if name in ("policy", "columns"):
        return ".toml"
    if is_zip(content):
        return ".xlsx" if is_xlsx(content) else ".zip"
    return ".csv.gz" if is_gzip(content) else ".csv"
