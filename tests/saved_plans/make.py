"""Make the saved plans and the database of rounds with the version of the program that Python finds first.

Run from a checkout of that version; README.md has the commands. It uses only the command line and, for the rounds, the
functions that the screens of that version call.
"""

import csv
import io
import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from datetime import date
from importlib.util import find_spec
from pathlib import Path

AS_AT = "2026-09-01"
SCHOOLS = [
    # urn, name, phase, easting, northing, local_authority, region, trust, ofsted, fsm_percent
    (100, "Alder Primary School", "Primary", 400000, 300000, "Fenshire", "East", "", "Good", 12.5),
    (101, "Birch Primary School", "Primary", 404000, 300000, "Fenshire", "East", "Oak Trust", "Outstanding", 31.2),
    (102, "Cedar High School", "Secondary", 409000, 303000, "Fenshire", "East", "Oak Trust", "Outstanding", 22),
    (103, "Dogwood Academy", "All-through", 412000, 299000, "Marshire", "East", "", "Good", 8.4),
    (104, "Elm Infant School", "Primary", 415000, 305000, "Marshire", "East", "", "Outstanding", 40.1),
    (105, "Fir Tree Middle School", "Middle deemed primary", 418000, 300000, "Marshire", "East", "", "Good", 17),
    (106, "St Hawthorn's School", "Secondary", 424000, 309000, "Marshire", "East", "Yew Trust", "", 25.5),
    (107, "Ivy Nursery", "Nursery", 431000, 300000, "Tarnshire", "North", "", "Good", ""),
    (108, "Juniper Primary School", "Primary", 436000, 304000, "Tarnshire", "North", "Yew Trust", "", 28.3),
    (109, "Larch Special School", "Special", 440000, 300000, "Tarnshire", "North", "", "Outstanding", 44.4),
]
PEOPLE = [
    # id, name, designation, school, phases, specialisms, places, days, conflicts
    ("S01", "Ann Ash", "SLE", 101, "Primary;Secondary", "maths;phonics", 2, 6, ""),
    ("S02", "Bob Bay", "SLE", 104, "Primary", "maths", 2, 5, "100108"),
    ("S03", "Cy Cole", "SLE", 103, "All-through", "phonics;early years", 1, 8, ""),
    ("S04", "Dee Dunn", "SLE", 105, "Primary;Middle deemed primary", "phonics;maths", 2, 7, ""),
    ("S05", "Eve Earl", "LLE", 100, "Primary", "", 1, 20, ""),
    ("S06", "Fay O'Neil", "NLE", 102, "Secondary;Primary", "", 2, 15, ""),
    ("S07", "Guy Hill", "SLE", 109, "Special;Primary", "special educational needs", 1, 4, ""),
    ("S08", "Hal Ives", "SLE", 106, "Secondary", "science", 0, 9, ""),
]
NEEDS = [
    # id, school, focus, days, priority
    ("N01", 100, "maths", 3, "high"),
    ("N02", 100, "phonics", 2.5, ""),
    ("N03", 101, "phonics", 3, "critical"),
    ("N04", 102, "maths", 3, ""),
    ("N05", 103, "maths", 4, "high"),
    ("N06", 104, "phonics", 4, ""),
    ("N07", 105, "maths", 2, ""),
    ("N08", 106, "headship", 5, "high"),
    ("N09", 107, "early years", 6, ""),
    ("N10", 108, "maths", 3, "critical"),
    ("N11", 108, "whole-school improvement", 10, ""),
    ("N12", 109, "special educational needs", 2, ""),
    ("N13", 105, "phonics", 3, "high"),
    ("N14", 106, "science", 1, ""),
]
EVIDENCE = [
    (who, f"SLE-{number}", "" if (who, number) == ("S04", 8) else "yes", "interview", "2026-05-01")
    for who in ("S01", "S02", "S03", "S04", "S07", "S08")
    for number in range(1, 9)
]
DECISIONS = [
    ("pin", "S03", "N09", "", "Began in the summer term", "A Coordinator", "2026-08-20"),
    ("declined", "S01", "N04", "", "No time", "A Coordinator", "2026-08-21"),
    ("forbid", "S02", "", "100105", "Governor there until 2025", "A Coordinator", "2026-08-22"),
]
# One trust in two spellings, a word for none in the place of a trust, and a federation: each was taken at its word.
TRUSTS = {100: "N/A", 102: "OAK TRUST", 105: "N/A"}
FEDERATION = (104, 105)
LIMITS = "[rules]\nmax_supporters_per_school = 1\nmax_per_home_school = 2\n"


def main() -> None:
    """Write the plans under the first argument and, where there is a second, a database of rounds to it."""
    out = Path(sys.argv[1]).absolute()
    tables = out / "tables"
    made = _tables()
    for name, text in made.items():
        tables.mkdir(parents=True, exist_ok=True)
        (tables / name).write_text(text, encoding="utf-8")
    plain = {"schools": "schools.csv", "supporters": "supporters.csv", "needs": "needs.csv"}
    no_days = plain | {"supporters": "supporters_no_days.csv", "needs": "needs_no_days.csv"}
    decided = {"accreditation": "accreditation.csv", "decisions": "decisions.csv"}
    runs = {
        "prices": no_days,
        "days": plain | decided,
        "rerun": no_days | {"decisions": "declined.csv"},
        "packages": no_days | {"needs": "needs_packages.csv", "policy": "limits.toml"},
        "trusts": no_days | {"schools": "schools_trusts.csv"},
    }
    _run("demo", "--as-at", AS_AT, "--out", out / "demo")
    for name, files in runs.items():
        given = [word for table, file in files.items() for word in (f"--{table}", tables / file)]
        earlier = ["--baseline", out / "prices"] if name == "rerun" else []
        _run("allocate", *given, *earlier, "--as-at", AS_AT, "--out", out / name)
    if find_spec("matching.around"):
        given = [word for table, file in plain.items() for word in (f"--{table}", str(tables / file))]
        _run_code(_AS_IF_LARGE, "allocate", *given, "--as-at", AS_AT, "--out", str(out / "loads"))
    if len(sys.argv) > 2:
        _rounds(tables, Path(sys.argv[2]).absolute())
    for file in tables.iterdir():
        file.unlink()
    tables.rmdir()


def _run(*words: object) -> None:
    subprocess.run([sys.executable, "-m", "matching", *map(str, words)], check=True)


# Some versions prove a large round in a way of their own where days bind for few people; here a small one will do.
_AS_IF_LARGE = "from matching import assignment, cli; assignment._MANY_PAIRS = -1; cli.main()"


def _run_code(code: str, *words: str) -> None:
    subprocess.run([sys.executable, "-c", code, *words], check=True)


def _tables() -> dict[str, str]:
    schools = "urn,name,phase,easting,northing,local_authority,region,trust,ofsted,fsm_percent,postcode,pupils,head\n"
    of_trusts = schools.replace(",head", ",head,federation")
    schools += _rows((f"{100000 + urn}", *cells, "QX1 1AA", 210, "A Head") for urn, *cells in SCHOOLS)
    of_trusts += _rows(
        (f"{100000 + urn}", *cells[:6], TRUSTS.get(urn, cells[6]), *cells[7:], "QX1 1AA", 210, "A Head")
        + (("Elm and Fir Tree Federation",) if urn in FEDERATION else ("",))
        for urn, *cells in SCHOOLS
    )
    people = (
        "supporter_id,name,designation,school_urn,phases,specialisms,max_deployments,days_available,conflicts,email\n"
    )
    needs = "need_id,school_urn,focus,days,priority,package,notes\n"
    package = {"N01": "alder", "N02": "alder", "N10": "juniper", "N11": "juniper"}
    decisions = "kind,supporter_id,need_id,school_urn,reason,by,on\n"
    return {
        "schools.csv": schools,
        "schools_trusts.csv": of_trusts,
        "supporters.csv": people
        + _rows((a, b, c, f"{100000 + d}", *e, "someone@example.org") for a, b, c, d, *e in PEOPLE),
        "supporters_no_days.csv": people
        + _rows((a, b, c, f"{100000 + d}", e, f, g, "", i, "") for a, b, c, d, e, f, g, _, i in PEOPLE),
        "needs.csv": needs + _rows((a, f"{100000 + b}", *c, "", "ring after four") for a, b, *c in NEEDS),
        "needs_no_days.csv": needs + _rows((a, f"{100000 + b}", c, "", e, "", "") for a, b, c, _, e in NEEDS),
        "needs_packages.csv": needs
        + _rows((a, f"{100000 + b}", c, "", e, package.get(a, ""), "") for a, b, c, _, e in NEEDS),
        "accreditation.csv": "supporter_id,criterion,met,evidence,checked_on\n" + _rows(EVIDENCE),
        "decisions.csv": decisions + _rows(DECISIONS),
        "declined.csv": decisions + _rows([("declined", "S01", "N03", "", "No time", "A Coordinator", "2026-08-21")]),
        "limits.toml": LIMITS,
    }


def _rows(rows: Iterable[Sequence[object]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def _rounds(tables: Path, database: Path) -> None:
    """Three rounds: one with decisions and an accepted plan, one that is approved, one without a plan."""
    from matching.equity import equity
    from matching.events import new_event
    from matching.export import plan_files
    from matching.files import open_source

    from matching.allocation import allocate
    from matching.inputs import read_inputs
    from matching.rounds import open_store

    def opened(**files: str) -> dict[str, object]:
        return {name: open_source(tables / file) for name, file in files.items()}

    def planned(sources: dict[str, object]) -> dict[str, bytes]:
        inputs = read_inputs(sources, as_at=date.fromisoformat(AS_AT))
        plan = allocate(inputs)
        return plan_files(plan, sources, equity=equity(plan, inputs))

    os.environ["S2S_DATABASE_URL"] = f"sqlite:///{database}"
    store = open_store(os.environ["S2S_DATABASE_URL"])
    who = "A Coordinator"
    plain = opened(schools="schools.csv", supporters="supporters.csv", needs="needs.csv", decisions="decisions.csv")
    first = store.create("Autumn round", plain, by=who)
    first = store.save_plan(first, planned(plain), by=who)
    serving = dict(zip(*_columns(first.files["plan.csv"], "need_id", "supporter_id"), strict=True))
    need_id, supporter_id = next((n, s) for n, s in serving.items() if n != "N09")
    about = {"need_id": need_id, "supporter_id": supporter_id}
    first = store.record(first, [new_event("status", by=who, **about, status="agreed")])
    other = next((n, s) for n, s in serving.items() if n not in ("N09", need_id))
    declined = new_event("declined", by=who, why="No time at present", need_id=other[0], supporter_id=other[1])
    first = store.record(first, [declined])
    first = store.record(first, [new_event("note", by=who, need_id=need_id, text="Rang on Tuesday")])
    first = store.save_scenario(
        first, "Without decisions", planned({k: v for k, v in plain.items() if k != "decisions"}), by=who
    )
    second_tables = opened(schools="schools.csv", supporters="supporters_no_days.csv", needs="needs_no_days.csv")
    second = store.create("Spring round", second_tables, by=who)
    second = store.save_plan(second, planned(second_tables), by=who)
    store.approve(second, second.files, by="A Director", why="As discussed")
    store.create("Not begun", second_tables, by=who)


def _columns(content: bytes, *names: str) -> list[list[str]]:
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))
    return [[row[name] for row in rows] for name in names]


if __name__ == "__main__":
    main()
