"""Files that nobody should send us, made from ones that are sound: `python tests/fuzz.py --count 20000`.

Each goes through the reader of its table and has to end in a table or in a list of problems, within bounded time and
memory. Every case follows from its number alone, so that `--only 1234` tries one again. What once failed is kept in
`tests/corpus/`.
"""

import argparse
import gzip
import io
import random
import resource
import signal
import sys
import time
import traceback
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from openpyxl import Workbook

from matching.errors import DataError
from matching.inputs.corrections import with_cells
from matching.inputs.headers import read_options, suggest_columns
from matching.inputs.official.gias import read_official
from matching.inputs.official.links import read_links
from matching.inputs.official.ofsted import read_ofsted
from matching.inputs.read import read_inputs, read_schools
from matching.inputs.triage import read_attainment
from matching.tables.files import Source, header_of, read_sheet
from matching.tables.formats import known_columns, table_formats
from matching.tables.policy import read_policy
from matching.tables.table_reader import read_table
from matching.tables.vocabulary import standard_vocabulary

CORPUS = Path(__file__).parent / "corpus"
DEMO = Path(__file__).parents[1] / "data" / "demo"
LONGEST_S = 20.0
MOST_MEMORY_MB = 2_000

VOCABULARY = standard_vocabulary()
FORMATS = table_formats(VOCABULARY)

_GIAS = (
    "URN,LA (name),EstablishmentName,TypeOfEstablishment (code),EstablishmentStatus (name),CloseDate,"
    "PhaseOfEducation (name),NumberOfPupils,PercentageFSM,Trusts (name),Postcode,GOR (name),Easting,Northing,"
    "OfstedRating (name),OfstedLastInsp,HeadLastName\r\n"
) + "".join(
    f'"{100000 + n}","Fenshire","School Zoë {n}","0{1 + n % 3}","{"Closed" if n % 5 == 4 else "Open"}","31-08-2021",'
    f'"Primary","{200 + n}","12.5","","AB{1 + n % 2} {n % 9}CD","London","{530000 + 90 * n}","{180000 + n}","Good",'
    '"01-02-2020","Quill"\r\n'
    for n in range(30)
)
_OFSTED = (
    "Stray line\r\n\r\nURN,School name,Overall effectiveness,Inspection start date,Inclusion,Category of concern\r\n"
)
_OFSTED += "".join(f"{100000 + n},Zoë {n},{n % 5},03/10/2023,Needs attention,SM\r\n" for n in range(20))
_LINKS = '"URN","LinkURN","LinkName","LinkType","LinkEstablishedDate"\r\n'
_LINKS += "".join(f'{100000 + n},{100001 + n},"Zoë","Successor","31-08-2021"\r\n' for n in range(20))
_ATTAINMENT = "URN,PTRWM_EXP,READPROG,P8MEA\n" + "".join(f"{100000 + n},{50 + n}%,-{n}.5,\n" for n in range(20))
_COLUMNS = 'leave_out = true\n[supporters]\n"Full name" = "name"\n[needs]\n"Ref" = "need_id"\n'

_HEAD_OF_TABLE = 12
SEEDS: dict[str, bytes] = {
    "gias": _GIAS.encode("cp1252"),
    "ofsted": _OFSTED.encode("cp1252"),
    "links": _LINKS.encode("cp1252"),
    "attainment": _ATTAINMENT.encode(),
    "columns": _COLUMNS.encode(),
    "policy": (DEMO / "policy.toml").read_bytes(),
} | {
    name: b"".join((DEMO / f"{name}.csv").read_bytes().splitlines(keepends=True)[:_HEAD_OF_TABLE])
    for name in ("schools", "supporters", "needs", "accreditation", "decisions")
}


def read_as(kind: str, source: Source) -> None:
    """Read a file as what it is said to be, in every way that the program does."""
    readers: dict[str, Callable[[], object]] = {
        "gias": lambda: read_official(source, VOCABULARY),
        "ofsted": lambda: read_ofsted(source),
        "links": lambda: read_links(source),
        "attainment": lambda: read_attainment(source),
        "columns": lambda: read_options(source),
        "policy": lambda: read_policy(source),
    }
    header = header_of(source)
    if kind in FORMATS:
        suggest_columns(kind, header[:50])
        form = FORMATS[kind]
        recognise = known_columns(form)
        _tried(lambda: read_table(read_sheet(source, recognise=recognise), form, VOCABULARY))
        given = {
            name: Source(f"{name}.csv", SEEDS[name]) for name in ("schools", "supporters", "needs", "accreditation")
        }
        _tried(lambda: read_inputs({**given, kind: source}))
        _tried(lambda: read_inputs({**given, kind: source}, leave_out=True))
        if len(source.content) < 100_000:
            column = form.column_names[0]
            _tried(lambda: with_cells(source, {(3, column): "=1+1\u200f"}, recognise=recognise))
    else:
        _tried(readers[kind])
        if kind == "gias":
            _tried(lambda: read_schools(source))


def _tried(action: Callable[[], object]) -> None:
    """Do something that may find problems; each must say what and where."""
    try:
        action()
    except DataError as error:
        assert error.problems, "a list of problems without one"
        for problem in error.problems:
            assert problem.message, problem
            assert len(str(problem)) < 5_000, f"a problem of {len(str(problem)):,} characters"


def case(number: int) -> tuple[str, Source]:
    """One hostile file, and what it is said to be."""
    chance = random.Random(number)
    kind = chance.choice(list(SEEDS))
    content = SEEDS[kind]
    for _ in range(chance.choice((1, 1, 2, 3))):
        content = chance.choice(_ON_BYTES)(content, chance)
    pack = chance.choice((_plain, _plain, _plain, _gzipped, _zipped, _workbook, _workbook))
    content = pack(content, chance)
    if pack is not _plain and chance.random() < 0.6:
        content = chance.choice((_cut, _flipped, _flipped, _spliced))(content, chance)
    return kind, Source(f"{kind}-{number}", content)


NASTY = (
    *("\0", "\x07", "\x1b", "\x7f", "\ufeff", "\u200f", "\u202e", "\u2028", "\x85", "\u00a0", "\ud7ff", "𝔸", "é", "²"),
    *('"', '""', '"x', "'", ",", ";", "\n", "\r", "\r\n", "\t", "|", ",,,,", "=1+1", "=HYPERLINK(1)", "@x", "-1"),
    *("9" * 400, "1e400", "nan", "inf", "-0", "0x10", "１２３", "NULL", "TRUE", "x" * 5000, "100000.0", "31/02/2026"),
    *("9999-12-31", "0001-01-01", "0000-00-00", "99/99/9999", "1" * 5000 + "-01-01", "%s", "{0}", "\\", "[", "(", "*"),
)


def _put_text(content: bytes, chance: random.Random) -> bytes:
    place = chance.randrange(len(content) + 1)
    encoding = chance.choice(("utf-8", "utf-8", "cp1252", "utf-16-le"))
    return content[:place] + chance.choice(NASTY).encode(encoding, "replace") + content[place:]


def _put_cell(content: bytes, chance: random.Random) -> bytes:
    rows = [row.split(b",") for row in content.split(b"\n")]
    row = chance.choice(rows)
    row[chance.randrange(len(row))] = chance.choice(NASTY).encode("utf-8", "replace")
    return b"\n".join(b",".join(row) for row in rows)


def _flipped(content: bytes, chance: random.Random) -> bytes:
    changed = bytearray(content)
    for _ in range(chance.choice((1, 3, 30))):
        if changed:
            changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed)


def _cut(content: bytes, chance: random.Random) -> bytes:
    return content[: chance.randrange(len(content) + 1)]


def _spliced(content: bytes, chance: random.Random) -> bytes:
    start, end = sorted(chance.randrange(len(content) + 1) for _ in range(2))
    return content[:start] + content[end:] + content[start:end]


def _other_encoding(content: bytes, chance: random.Random) -> bytes:
    text = content.decode("cp1252", "replace")
    return text.encode(
        chance.choice(("utf-8-sig", "utf-16", "utf-16-be", "utf-32", "cp1252", "utf-7", "cp500")), "replace"
    )


def _other_separator(content: bytes, chance: random.Random) -> bytes:
    return content.replace(b",", chance.choice((b";", b"\t", b"|", b"", "".encode("utf-16")[:2], b", ")))


def _other_header(content: bytes, chance: random.Random) -> bytes:
    header, _, rest = content.partition(b"\n")
    names = header.split(b",")
    for _ in range(chance.choice((1, 2, 5))):
        act = chance.randrange(5)
        place = chance.randrange(len(names))
        if act == 0 and len(names) > 1:
            del names[place]
        elif act == 1:
            names.insert(place, chance.choice(names))
        elif act == 2:
            chance.shuffle(names)
        elif act == 3:
            names[place] = chance.choice((names[place].upper(), b"", b" " + names[place], b'"' + names[place] + b'"'))
        else:
            names[place] = chance.choice(NASTY).encode("utf-8", "replace")
    return b",".join(names) + b"\n" + rest


def _more_lines(content: bytes, chance: random.Random) -> bytes:
    lines = content.splitlines(keepends=True)
    if chance.random() < 0.5:
        return b"".join(chance.choices(lines, k=len(lines) * 2)) if lines else content
    return chance.choice((b"\n", b"Title\n", b",,,\n", b'"two\nlines"\n')) * chance.choice((1, 3, 30)) + content


def _many_columns(content: bytes, chance: random.Random) -> bytes:
    if chance.random() < 0.8:
        return content
    header, _, rest = content.partition(b"\n")
    more = b",".join(b"c%d" % number for number in range(chance.choice((900, 10_000))))
    return header.rstrip(b"\r") + b"," + more + b"\n" + rest


def _other_kind(content: bytes, chance: random.Random) -> bytes:
    return chance.choice(
        (*SEEDS.values(), b"", b"\0" * 100, b"PK\x03\x04", b"\x1f\x8b\x08", b"\xd0\xcf\x11\xe0", b"%PDF-1.7")
    )


_ON_BYTES = (
    *(_put_text, _put_text, _put_cell, _put_cell, _put_cell, _flipped, _cut, _spliced, _other_encoding),
    *(_other_separator, _other_header, _other_header, _more_lines, _many_columns, _other_kind),
)


def _plain(content: bytes, chance: random.Random) -> bytes:
    return content


def _gzipped(content: bytes, chance: random.Random) -> bytes:
    packed = gzip.compress(content, mtime=0)
    return gzip.compress(packed, mtime=0) if chance.random() < 0.1 else packed


def _zipped(content: bytes, chance: random.Random) -> bytes:
    packed = io.BytesIO()
    names = ("results.csv", "data.csv", "../up.csv", "a/b.CSV", "x.txt", "__MACOSX/._data.csv", "no", "\u202evsc.csv")
    with warnings.catch_warnings(), zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        warnings.simplefilter("ignore")  # of a name that stands twice
        for name in chance.choices(names, k=chance.choice((1, 2, 3))):
            archive.writestr(name, content if chance.random() < 0.7 else b"Status\nfine\n")
    return packed.getvalue()


def _workbook(content: bytes, chance: random.Random) -> bytes:
    """A workbook of the cells, with what people do to workbooks; some with what nobody should do to them."""
    book, packed = Workbook(), io.BytesIO()
    sheets = [book.active] + [book.create_sheet(f"Sheet {n}") for n in range(chance.choice((0, 0, 2)))]
    sheet = chance.choice(sheets)
    for line in content.decode("utf-8", "replace").splitlines()[:60]:
        sheet.append([_book_cell(cell, chance) for cell in line.split(",")[:200]])
    if chance.random() < 0.3:
        sheet.insert_rows(1, chance.choice((1, 3)))
        sheet["A1"] = "A title"
    if chance.random() < 0.2:
        sheet.merge_cells(chance.choice(("A1:C1", "A1:A2", "B2:D5")))
    book.save(packed)
    return chance.choice((bytes, bytes, _bombed))(packed.getvalue())


def _book_cell(cell: str, chance: random.Random) -> object:
    printable = "".join(c for c in cell if c.isprintable())[:1000]
    if chance.random() < 0.03:
        return chance.choice((1.5, -1, 10**20, True, "=1+1", "=A1", "#N/A", None, 1e300))
    return int(printable) if printable.isascii() and printable.isdigit() and len(printable) < 10 else printable


_BOMB = b"""<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "ha">%s]><sst>&j;</sst>""" % b"".join(
    b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(9)
)


def _bombed(book: bytes) -> bytes:
    """A workbook one part of which unfolds to far more than it is, or claims a row far down or far out."""
    packed = io.BytesIO()
    chance = random.Random(len(book))
    with zipfile.ZipFile(io.BytesIO(book)) as old, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            part = old.read(name)
            if name.endswith("sheet1.xml"):
                part = chance.choice(
                    (
                        _BOMB,
                        part.replace(b'r="2"', b'r="1048576"'),
                        part.replace(b'<row r="2"', b'<row r="99999999999"'),
                        part.replace(b'r="A2"', b'r="XFD2"'),
                        part.replace(b'r="A2"', b'r="ZZZZZZ99999999"'),
                        part.replace(b"<v>", b"<v>" + b"9" * 5000),
                        part.replace(b"</sheetData>", b'<row r="5"/>' * 20_000 + b"</sheetData>"),
                    )
                )
            elif name.endswith("sharedStrings.xml") and chance.random() < 0.3:
                part = _BOMB
            new.writestr(name, part)
    return packed.getvalue()


def giants() -> dict[str, tuple[str, Callable[[], bytes]]]:
    """The few that are large, each by what it is: said to be, and how it is made."""
    wide = b",".join(b"c%d" % n for n in range(10_000))
    header = SEEDS["needs"].split(b"\n")[0]
    return {
        "a cell of 300 MB": ("needs", lambda: header + b"\nN1," + b"x" * 300_000_000 + b"\n"),
        "a cell of 200 MB": ("needs", lambda: header + b"\nN1," + b"x" * 200_000_000 + b"\n"),
        "a quoted cell of 200 MB in lines": ("needs", lambda: header + b'\nN1,"' + b"x\n" * 100_000_000),
        "a gzip bomb": ("schools", lambda: gzip.compress(b"a,b\n" * 250_000_000, 9)),
        "a zip bomb": ("gias", lambda: _zip_of(b"0" * 1_000_000_000)),
        "a workbook bomb": ("needs", lambda: _zip_of(b" " * 1_000_000_000, "xl/workbook.xml")),
        "10,000 columns": ("supporters", lambda: wide + b"\n" + b"1," * 9_999 + b"1\n"),
        "10,000 columns and 2,000 rows": ("gias", lambda: wide + b"\n" + (b"1," * 9_999 + b"1\n") * 2_000),
        "a million short rows": ("needs", lambda: header + b"\n" + b"x\n" * 1_000_000),
        "no line end": ("links", lambda: b"URN,LinkURN,LinkType," * 5_000_000),
    }


def _zip_of(content: bytes, name: str = "edubase.csv") -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.writestr(name, content)
    return packed.getvalue()


class TooLongError(Exception):
    """A file took longer than any should."""


def tried(kind: str, source: Source, longest_s: float = LONGEST_S) -> str:
    """What went wrong with a file, or nothing."""

    def stop(*_: object) -> None:
        raise TooLongError

    earlier = signal.signal(signal.SIGALRM, stop)
    try:
        signal.setitimer(signal.ITIMER_REAL, longest_s)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            read_as(kind, source)
    except TooLongError:
        return f"took over {longest_s:g} s"
    except BaseException as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        return f"{type(error).__name__} at {Path(where.filename).name}:{where.lineno}: {str(error)[:200]}"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, earlier)
    return ""


def main() -> int:
    """Try many cases, and keep what fails."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--count", type=int, default=20_000)
    words.add_argument("--start", type=int, default=0)
    words.add_argument("--only", type=int)
    words.add_argument("--giants", action="store_true", help="the few large files too")
    words.add_argument("--keep", type=Path, help="directory for the files that fail")
    given = words.parse_args()
    resource.setrlimit(resource.RLIMIT_AS, (6 * 2**30, 6 * 2**30))
    numbers = range(given.start, given.start + given.count) if given.only is None else [given.only]
    failures: Counter[str] = Counter()
    slowest = (0.0, "")
    begun = time.monotonic()
    cases = [(str(number), lambda number=number: case(number)) for number in numbers]
    if given.giants:
        cases += [
            (name, lambda kind=kind, make=make: (kind, Source("giant", make())))
            for name, (kind, make) in giants().items()
        ]
    for name, make in cases:
        kind, source = make()
        started = time.monotonic()
        fault = tried(kind, source, LONGEST_S if name.isdigit() else 120)
        took = time.monotonic() - started
        slowest = max(slowest, (took, name))
        if not name.isdigit():
            peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
            print(f"{name}: {took:.1f} s, {len(source.content):,} bytes, peak so far {peak_mb:,} MB. {fault or 'ok'}")
        if fault:
            failures[fault] += 1
            if failures[fault] <= 2:
                print(f"{name} ({kind}): {fault}", flush=True)
                if given.keep and len(source.content) < 100_000:
                    given.keep.mkdir(parents=True, exist_ok=True)
                    (given.keep / f"{kind}-{name}").write_bytes(source.content)
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(
        f"{len(cases):,} files in {time.monotonic() - begun:.0f} s; {failures.total():,} failed in {len(failures)} ways; "
        f"slowest {slowest[0]:.2f} s ({slowest[1]}); peak memory {peak_mb:,} MB."
    )
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
