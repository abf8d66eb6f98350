"""The smallest round there is, as text, and the kinds of file that it can arrive in."""

import csv
import gzip
import io
import zipfile
from collections.abc import Callable, Iterable
from datetime import date

import pandas as pd
import pytest
from openpyxl import Workbook

from matching.errors import DataError
from matching.inputs.inputs import Inputs
from matching.inputs.read import read_inputs
from matching.tables.files import Source

AS_AT = date(2026, 9, 1)

SCHOOLS = """\
urn,name,phase,easting,northing,local_authority,trust,ofsted
100000,Alder School,Primary,400000,300000,Fenshire,,Good
100001,Birch School,Primary,401000,300000,Fenshire,,Outstanding
100002,Cedar School,Secondary,402000,300000,Marshire,,
"""
SUPPORTERS = """\
supporter_id,name,designation,school_urn,phases,specialisms,max_deployments,days_available
S1,Ann Ash,SLE,100001,Primary;Secondary,maths;phonics,2,5
S2,Bob Bay,LLE,100000,Primary,,1,
S3,Cy Cole,NLE,100001,Secondary,,1,
"""
NEEDS = """\
need_id,school_urn,focus,designations,days,priority
N1,100000,maths,,2,high
N2,100001,headship,,,
N3,100002,phonics,,2.5,critical
"""
DECISIONS_HEADER = "kind,supporter_id,need_id,school_urn,reason,by,on\n"
EVIDENCE_HEADER = "supporter_id,criterion,met,evidence,checked_on\n"


def decisions(*rows: str) -> str:
    return DECISIONS_HEADER + "".join(f"{row}\n" for row in rows)


def sources(**tables: str | bytes | Source | None) -> dict[str, Source]:
    """The tiny round's files, with some of them changed, added, or (None) left out."""
    given = {"schools": SCHOOLS, "supporters": SUPPORTERS, "needs": NEEDS} | tables
    return {name: as_source(name, table) for name, table in given.items() if table is not None}


def as_source(name: str, table: str | bytes | Source) -> Source:
    if isinstance(table, Source):
        return table
    ending = "toml" if name == "policy" else "csv"
    return Source(f"{name}.{ending}", table.encode() if isinstance(table, str) else table)


def read(**tables: str | bytes | Source | None) -> Inputs:
    return read_inputs(sources(**tables), as_at=AS_AT)


def faults(**tables: str | bytes | Source | None) -> list[str]:
    """Every problem that reading the round meets, as the user sees it."""
    return faults_of(lambda: read(**tables))


def faults_of(action: Callable[[], object]) -> list[str]:
    with pytest.raises(DataError) as caught:
        action()
    assert str(caught.value) == "\n".join(map(str, caught.value.problems))
    return [str(problem) for problem in caught.value.problems]


def frame_of(text: str) -> pd.DataFrame:
    """A table as pandas reads it: URNs are numbers, and a blank cell is nan."""
    return pd.read_csv(io.StringIO(text))


def cells(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


def xlsx(rows: str | Iterable[Iterable[object]], styles: dict[str, str] | None = None) -> bytes:
    """An Excel workbook with these rows, given as CSV or as values; `styles` are number formats by cell."""
    book, packed = Workbook(), io.BytesIO()
    for row in cells(rows) if isinstance(rows, str) else rows:
        book.active.append([None if cell == "" else cell for cell in row])
    for cell, style in (styles or {}).items():
        book.active[cell].number_format = style
    book.save(packed)
    return packed.getvalue()


def gz(content: str | bytes) -> bytes:
    return gzip.compress(content.encode() if isinstance(content, str) else content, mtime=0)


def with_part(book: bytes, name: str, change: Callable[[bytes], bytes | None]) -> bytes:
    """A workbook of which one part was changed, or (None) taken out."""
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(book)) as old, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.namelist():
            content = change(old.read(part)) if part == name else old.read(part)
            if content is not None:
                new.writestr(part, content)
    return packed.getvalue()
