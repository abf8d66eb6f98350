"""Saved plans: their tables changed, signed again, and what is then found wrong."""

import csv
import hashlib
import io
import json
from datetime import date
from functools import lru_cache

from matching.audit.verify import verify
from matching.errors import DataError
from matching.inputs.inputs import Inputs
from matching.inputs.read import read_inputs
from matching.plan import earlier_formats
from matching.plan.on_disk import read_files
from matching.tables.files import Source

TABLES = ("plan.csv", "unmet.csv", "workload.csv", "excluded.csv", "surplus.csv", "equity.csv")


def faults_in(files: dict[str, bytes]) -> list[str]:
    """What is found wrong with a plan's files: by reading them, or by verifying them."""
    return _verified(files)[0]


def found_in(files: dict[str, bytes]) -> list[str]:
    """What is found wrong, and what is only worded in another way."""
    faults, wording = _verified(files)
    return [*faults, *wording]


def _verified(files: dict[str, bytes]) -> tuple[list[str], list[str]]:
    try:
        saved = read_files(files)
        verification = verify(saved, _read(tuple(saved.sources.items()), saved.format, saved.as_at))
        return list(verification.faults), list(verification.wording)
    except DataError as error:
        return list(map(str, error.problems)), []


@lru_cache(maxsize=8)
def _read(sources: tuple[tuple[str, Source], ...], plan_format: int, as_at: date) -> Inputs:
    columns = earlier_formats.INPUT_COLUMNS.get(plan_format)
    return read_inputs(dict(sources), as_at=as_at, columns=columns)


def signed(files: dict[str, bytes], **changes: object) -> dict[str, bytes]:
    """The files with some of the manifest changed, and its digests those of the tables."""
    manifest = json.loads(files["manifest.json"]) | changes
    manifest["outputs"] = {name: hashlib.sha256(files[name]).hexdigest() for name in TABLES if name in files}
    for one in manifest.get("stored", {}).values():
        one["sha256"] = hashlib.sha256(files[one["file"]]).hexdigest()
    return files | {"manifest.json": json.dumps(manifest).encode()}


def rows_of(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def as_bytes(rows: list[list[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    return b"\xef\xbb\xbf" + text.getvalue().encode()
