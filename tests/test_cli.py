import gzip
import json
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any, NamedTuple, TextIO
from xml.etree import ElementTree

import pytest
from depth import mostly_long
from tiny import EVIDENCE_HEADER, NEEDS, SCHOOLS, SUPPORTERS, cells, decisions, gz, xlsx

from matching import __version__
from matching.allocation import allocate
from matching.cli import main
from matching.inputs.bundled import demo_sources
from matching.inputs.read import read_inputs, read_schools
from matching.plan.as_bytes import excel_bytes, plan_files
from matching.plan.handover import files as handover
from matching.plan.handover.page import Occasion
from matching.plan.handover.remarks import without_remarks
from matching.plan.on_disk import read_directory, saved_inputs
from matching.rounds.history.events import new_event
from matching.rounds.store import open_store
from matching.tables.files import Source, open_source, read_sheet
from matching.tables.policy import Policy, read_policy
from matching.tables.vocabulary import standard_vocabulary

CONTRACT = (
    *("schools", "check", "allocate", "verify", "explain", "compare", "triage", "accreditation", "graph", "simulate"),
    *("today", "demo", "export", "templates", "policy", "criteria", "app"),
)
DAY = ("--as-at", "2026-09-01")
HERE = Path(__file__).parents[1]
TABLES = {"schools": SCHOOLS, "supporters": SUPPORTERS, "needs": NEEDS}
GIAS = """\
URN,EstablishmentName,TypeOfEstablishment (code),EstablishmentStatus (name),PhaseOfEducation (name),Easting,Northing
100000,Alder School,01,Open,Primary,400000,300000
100001,Birch School,01,Closed,Primary,401000,300000
100002,Cedar Academy,34,Open,Secondary,402000,300000.50
"""


class Run(NamedTuple):
    """What a command left behind."""

    code: int
    out: str
    err: str


@pytest.fixture
def s2s(monkeypatch, capsys, tmp_path) -> Callable[..., Run]:
    """Run a command in this process, in a folder of its own."""
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> Run:
        monkeypatch.setattr(sys, "argv", ["s2s", *words])
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            main()
        out, err = capsys.readouterr()
        code = left.value.code
        assert code in (0, 2, 3), err
        if code == 0 and not {"-", "--json"} & {*words}:
            assert err == "", "nothing is said on standard error where all is well, in a pipe"
        return Run(code, out, err)

    return run


def put(tables: dict[str, str | bytes], ending: str = "csv") -> list[str]:
    """Write tables into the current folder, and return the words that give them to a command."""
    words = []
    for name, table in tables.items():
        path = Path(f"{name}.{'toml' if name == 'policy' else ending}")
        path.write_bytes(table.encode() if isinstance(table, str) else table)
        words += [f"--{name}", str(path)]
    return words


def tree(folder: Path | str = ".") -> dict[str, tuple[bytes, int]]:
    """Every file of a folder: what it holds, and when it was written."""
    files = (path for path in Path(folder).rglob("*") if path.is_file())
    return {str(path): (path.read_bytes(), path.stat().st_mtime_ns) for path in files}


def plan_cells(folder: str, table: str = "plan.csv") -> list[dict[str, str]]:
    header, *rows = cells((Path(folder) / table).read_text(encoding="utf-8-sig"))
    return [dict(zip(header, row, strict=True)) for row in rows]


@pytest.fixture(scope="session")
def made_once(tmp_path_factory) -> Path:
    """A plan of the tiny round, as the command writes it."""
    folder = tmp_path_factory.mktemp("made_once")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(sys, "argv", ["s2s", "allocate", *put(TABLES), *DAY, "--out", "plan"])
        with pytest.raises(SystemExit) as left:
            main()
    assert left.value.code == 0
    return folder / "plan"


@pytest.fixture
def plan(s2s, made_once) -> str:
    """A plan of the tiny round, in the folder of the test."""
    put(TABLES)
    shutil.copytree(made_once, "plan")
    return "plan"


# The commands as a whole


def test_without_a_command_the_commands_are_listed(s2s):
    run = s2s()
    assert run.code == 2
    told = run.out + run.err
    for command in ("schools", "check", "allocate", "verify", "explain", "simulate", "graph", "demo", "app"):
        assert re.search(rf"^  {command} ", told, re.MULTILINE), command


@pytest.mark.parametrize("command", CONTRACT)
def test_every_command_of_the_contract_is_there(s2s, command):
    run = s2s(command, "--help")
    assert (run.code, run.err) == (0, "")
    assert run.out.startswith("Usage: ")
    assert s2s(command, "-h") == run


def test_the_version_is_shown(s2s):
    assert s2s("--version") == Run(0, f"s2s {__version__}\n", "")
    assert s2s("-h") == s2s("--help")


@pytest.mark.parametrize(
    ("command", "options"),
    [
        ("schools", ("gias", "ofsted", "links", "out")),
        (
            "check",
            (
                *("schools", "supporters", "needs", "accreditation", "decisions", "policy"),
                *("ofsted", "links", "columns", "leave-out"),
            ),
        ),
        (
            "allocate",
            (
                *("schools", "supporters", "needs", "accreditation", "decisions", "policy", "baseline", "out"),
                *("ofsted", "links", "columns", "leave-out"),
            ),
        ),
        ("verify", ("schools", "supporters", "needs", "accreditation", "decisions", "policy")),
        ("explain", ("need", "supporter")),
        ("simulate", ("schools", "supporters", "needs", "seed", "out")),
        ("demo", ("out",)),
    ],
)
def test_every_option_of_the_contract_is_there(s2s, command, options):
    told = s2s(command, "--help").out
    assert [option for option in options if f"--{option} " not in told] == []


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (["fly"], "No such command 'fly'"),
        (["check"], "Missing option '--schools'"),
        (["allocate", "--wings", "2"], "No such option"),
        (["simulate", "--supporters", "0"], "'--supporters'"),
        (["app", "--port", "0"], "--port"),
        (["explain", "plan"], "s2s explain: Give one of --need and --all."),
        (["check", "--as-at", "soon"], "--as-at"),
        (["allocate", "--time-limit", "0"], "--time-limit"),
    ],
)
def test_a_command_that_is_not_understood_is_wrong(s2s, words, fault):
    run = s2s(*words)
    assert (run.code, run.out) == (2, "")
    assert fault in run.err
    assert tree() == {}


def test_the_program_runs_as_a_module(tmp_path):
    put_in = {name: tmp_path / f"{name}.csv" for name in TABLES}
    for name, path in put_in.items():
        path.write_text(TABLES[name])
    words = [word for name, path in put_in.items() for word in (f"--{name}", str(path))]
    run = module("allocate", *words, *DAY, "--out", str(tmp_path / "plan"))
    assert (run.returncode, run.stderr) == (0, b"")
    assert b"3 of 3 needs are met" in run.stdout
    broken = module("check", *words[:4], "--needs", str(tmp_path / "gone.csv"))
    assert (broken.returncode, broken.stdout) == (2, b"")
    assert broken.stderr.endswith(b"1 problem found; nothing was written.\n")


def test_the_commands_wait_for_nothing_that_only_one_of_them_needs():
    slow = "numpy pandas pydantic networkx openpyxl rich.progress scipy.optimize sqlalchemy streamlit xlsxwriter matching.inputs.simulation matching.whatif matching.audit"
    code = f"import sys, matching.cli; print(*(name for name in '{slow}'.split() if name in sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert loaded.stdout.split() == []


def module(*words: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    keep = {name: value for name, value in os.environ.items() if name not in ("FORCE_COLOR", "NO_COLOR")}
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "matching", *words],
        env=keep | {"PYTHONPATH": str(HERE)} | environment,
        capture_output=True,
        check=False,
        timeout=120,
    )


@pytest.mark.long
def test_progress_is_not_shown_in_a_pipe_whatever_colours_are_asked_for(s2s):
    run = module("allocate", *put(TABLES), *DAY, "--out", "plan", FORCE_COLOR="1")
    assert (run.returncode, run.stderr) == (0, b"")
    assert b"\x1b" not in run.stdout


def test_progress_is_shown_on_a_terminal(s2s):
    words = [sys.executable, "-m", "matching", "allocate", *put(TABLES), *DAY, "--out", "plan"]
    ours, theirs = pty.openpty()
    environment = os.environ | {"PYTHONPATH": str(HERE), "TERM": "xterm", "COLUMNS": "80"}
    with subprocess.Popen(words, stderr=theirs, stdout=subprocess.PIPE, env=environment) as process:
        os.close(theirs)
        seen = b""
        try:
            while chunk := os.read(ours, 4096):
                seen += chunk
        except OSError:  # how Linux tells that the other end is closed
            pass
        out = process.stdout.read()
    os.close(ours)
    assert process.returncode == 0
    assert b"0:00:0" in seen
    assert b"\x1b" not in out


@pytest.mark.long
def test_a_name_that_the_console_cannot_show_is_no_defect(s2s):
    words = put(TABLES | {"supporters": SUPPORTERS.replace("Ann Ash", "Ańna Łódź")})
    assert s2s("allocate", *words, *DAY, "--out", "plan").code == 0
    run = module("explain", "plan", "--need", "N1", PYTHONIOENCODING="cp1252", PYTHONUTF8="0")
    assert (run.returncode, run.stderr) == (0, b"")
    assert b"(S1, SLE) of Birch School supports this need" in run.stdout


# A closed pipe and a full disk

NEEDS_DEV_FULL = pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
NO_SPACE = "The output cannot be written (no space left on device). Free some space, or send it elsewhere.\n"


def shell(line: str) -> subprocess.CompletedProcess[str]:
    """Run a line of a real shell, in which $S2S is the command and $PIPESTATUS is printed last."""
    script = (
        f'S2S="{sys.executable} -m matching"; TABLES="{" ".join(put(TABLES))}"; {line}; echo "${{PIPESTATUS[*]}}" >&2'
    )
    environment = os.environ | {"PYTHONPATH": str(HERE)}
    return subprocess.run(
        ["bash", "-c", script], env=environment, capture_output=True, text=True, check=True, timeout=120
    )


@pytest.mark.parametrize(
    ("line", "out"),
    mostly_long(
        [
            ("$S2S check $TABLES --as-at 2026-09-01 | head -0", ""),
            ("$S2S check $TABLES --as-at 2026-09-01 | true", ""),
            ("$S2S --help | true", ""),
            ("$S2S criteria | true", ""),
            ("$S2S explain plan --need N1 | true", ""),
        ],
        every=2,
    ),
)
def test_a_closed_pipe_ends_a_command_in_silence(s2s, plan, line, out):
    # The reader has gone before the command prints: Python takes longer to load than head takes to end.
    run = shell(line)
    assert run.stdout == out
    assert run.stderr == "141 0\n"


@NEEDS_DEV_FULL
@pytest.mark.parametrize(
    "words", mostly_long(["explain plan --need N1", "compare plan plan", "--help", "check $TABLES", "policy"], every=2)
)
def test_a_full_disk_ends_a_command_in_a_sentence(s2s, plan, words):
    assert shell(f"$S2S {words} > /dev/full").stderr == f"{NO_SPACE}2\n"


ROUND = ("--schools", "schools.csv", "--supporters", "supporters.csv", "--needs", "needs.csv", *DAY)
EVERY_COMMAND = [
    ("schools", "--gias", "gias.csv", "--out", "made.csv"),
    ("check", *ROUND),
    ("allocate", *ROUND, "--out", "plan2"),
    ("verify", "plan"),
    ("explain", "plan", "--need", "N1"),
    ("explain", "plan", "--all"),
    ("compare", "plan", "plan", "--out", "-"),
    ("triage", "--schools", "schools.csv", "--out", "t"),
    ("accreditation", *ROUND[:4], "--schools-new", "schools.csv", "--accreditation", "accreditation.csv"),
    ("graph", "plan", "--out", "-"),
    ("simulate", *ROUND[:2], "--supporters", "2", "--needs", "2", "--out", "made"),
    ("export", "plan", "--out", "handed"),
    ("templates", "--out", "templates"),
    ("policy",),
    ("criteria",),
    ("check", *ROUND, "--json"),
]


@contextmanager
def unread(kind: str) -> Iterator[TextIO]:
    """A standard output that takes nothing: of a full disk, or of a reader who has gone."""
    if kind == "full disk":
        writes = os.open("/dev/full", os.O_WRONLY)
    else:
        reads, writes = os.pipe()
        os.close(reads)
    stream = os.fdopen(writes, "w", encoding="utf-8")
    yield stream
    with suppress(OSError):
        stream.close()


@NEEDS_DEV_FULL
@pytest.mark.parametrize(("kind", "code"), [("full disk", 2), ("reader has gone", 141)])
@pytest.mark.parametrize("words", EVERY_COMMAND, ids=" ".join)
def test_every_command_ends_well_where_no_one_reads(plan, monkeypatch, capsys, words, kind, code):
    put({"gias": GIAS, "accreditation": EVIDENCE_HEADER})
    monkeypatch.setattr(sys, "argv", ["s2s", *words])
    capsys.readouterr()
    with unread(kind) as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        with pytest.raises(SystemExit) as left:
            main()
    assert left.value.code == code
    err = capsys.readouterr().err
    assert err.endswith(NO_SPACE) if code == 2 else "Traceback" not in err


@NEEDS_DEV_FULL
def test_problems_that_cannot_be_printed_end_in_silence(s2s):
    assert shell("$S2S check --schools gone.csv --supporters gone.csv --needs gone.csv 2> /dev/full").stderr == "2\n"


@pytest.mark.parametrize("closed", mostly_long([">&- 2>&-", "2>&-", ">&-"], every=3))
def test_closed_streams_do_no_harm(s2s, closed):
    assert shell(f"$S2S allocate $TABLES --out plan {closed}").stderr == "0\n"
    assert Path("plan/plan.csv").is_file()


# check


def test_check_counts_what_it_was_given(s2s):
    run = s2s("check", *put(TABLES), *DAY)
    assert run.out.splitlines() == [
        "No problems found: 3 schools, 3 supporters, 3 needs.",
        "0 supporters cannot be deployed; 3 pairs are eligible.",
        "0 needs have no eligible supporter.",
        "Notice: No accreditation table was given: designations are taken as stated.",
    ]


def test_check_tells_what_the_evidence_says(s2s):
    run = s2s("check", *put(TABLES | {"accreditation": EVIDENCE_HEADER + "S3,NLE-5,no,,2026-01-01\n"}), *DAY)
    assert "3 supporters cannot be deployed; 0 pairs are eligible.\n3 needs have no eligible supporter." in run.out
    assert re.search(
        r"^Notice: Accreditation: .*NLE-5 .*1 supporter.*: S3 met \('Outstanding'\)\.$", run.out, re.MULTILINE
    )


def test_check_counts_one_as_one(s2s):
    run = s2s("check", *put(TABLES | {"needs": NEEDS.replace("phonics", "drama")}), *DAY)
    assert "1 need has no eligible supporter." in run.out


def test_needs_that_are_not_open_are_counted_explained_and_compared(s2s, plan):
    header, *rows = NEEDS.splitlines()
    states = [f"{header},state", f"{rows[0]},paused", f"{rows[1]},withdrawn", f"{rows[2]},", ""]
    words = put(TABLES | {"needs": "\n".join(states)})
    assert s2s("check", *words, *DAY).out.splitlines()[1:3] == [
        "1 need is paused, and will not be assigned.",
        "1 need is withdrawn, and will not be assigned.",
    ]
    assert s2s("allocate", *words, *DAY, "--out", "next").code == 0
    assert [row["need_id"] for row in (*plan_cells("next"), *plan_cells("next", "unmet.csv"))] == ["N3"]
    assert s2s("verify", "next", *words).code == 0
    run = s2s("explain", "next", "--need", "N1", "--supporter", "S1")
    assert run.out.splitlines() == [
        "N1: maths at Alder School (Primary), high priority, 2 days",
        "N1 is paused, so that no one is assigned to it and it does not count as unmet.",
    ]
    out = s2s("compare", plan, "next").out
    assert (
        "1 need paused in the second plan; 1 need withdrawn in the second plan.\n"
        "maths at Alder School (N1) is paused.\nheadship at Birch School (N2) is withdrawn.\n" in out
    )
    assert "2 needs open again in the second plan" in s2s("compare", "next", plan).out


def test_check_writes_nothing(s2s):
    words = put(TABLES)
    before = tree()
    s2s("check", *words)
    assert tree() == before


def test_every_problem_is_on_standard_error(s2s):
    broken = {
        "schools": SCHOOLS.replace("Outstanding", "Splendid"),
        "supporters": SUPPORTERS.replace("Primary;Secondary", "Primry"),
        "needs": NEEDS.replace("headship", "head ship"),
        "policy": "colour = 1\n",
    }
    run = s2s("check", *put(broken))
    assert (run.code, run.out) == (2, "")
    *problems, count = run.err.splitlines()
    assert [problem.split(":")[0] for problem in problems] == [
        "needs.csv row 3, focus",
        "policy.toml, column colour",
        "schools.csv row 3, ofsted",
        "supporters.csv row 2, phases",
    ]
    assert count == "4 problems found; nothing was written."


def test_every_file_that_is_not_there_is_told(s2s):
    run = s2s("check", "--schools", "a.csv", "--supporters", "b.csv", "--needs", "c.csv", "--policy", "d.toml")
    assert (run.code, run.out) == (2, "")
    assert run.err.splitlines() == [
        *(
            f"{name}: {name} cannot be opened (no such file or directory). Check the path and that you may read the file."
            for name in ("a.csv", "b.csv", "c.csv", "d.toml")
        ),
        "4 problems found; nothing was written.",
    ]


def test_one_problem_is_one_problem(s2s):
    run = s2s("check", *put(TABLES | {"needs": b""}))
    assert run.err.splitlines()[-1] == "1 problem found; nothing was written."


# allocate


def test_allocate_writes_a_plan_and_tells_of_it(s2s):
    run = s2s("allocate", *put(TABLES), *DAY, "--out", "deep/down/plan")
    first, second, *notices = run.out.splitlines()
    assert re.fullmatch(
        r"3 of 3 needs are met \(critical 1, high 1, normal 1, score 2\.\d+\); plan written to deep/down/plan\.", first
    )
    assert second == "Proved: no plan is better."
    assert notices == ["Notice: No accreditation table was given: designations are taken as stated."]
    assert sorted(str(path.relative_to("deep/down/plan")) for path in Path("deep/down/plan").rglob("*.*")) == [
        "equity.csv",
        "excluded.csv",
        "inputs/needs.csv",
        "inputs/policy.toml",
        "inputs/schools.csv",
        "inputs/supporters.csv",
        "manifest.json",
        "plan.csv",
        "surplus.csv",
        "unmet.csv",
        "workload.csv",
    ]
    assert {row["need_id"]: row["supporter_id"] for row in plan_cells("deep/down/plan")} == {
        "N1": "S1",
        "N2": "S2",
        "N3": "S1",
    }


def test_files_for_people_are_as_the_contract_says(plan):
    for name in ("plan.csv", "unmet.csv", "workload.csv", "excluded.csv"):
        content = (Path(plan) / name).read_bytes()
        assert content.startswith(b"\xef\xbb\xbf")
        assert b"\r" not in content
    manifest = json.loads((Path(plan) / "manifest.json").read_bytes())
    assert manifest["as_at"] == "2026-09-01"
    assert [level["level"] for level in manifest["objective"]] == ["critical", "high", "normal", "score"]


@pytest.mark.parametrize(
    ("ending", "pack"),
    [("csv", str.encode), ("xlsx", xlsx), ("csv.gz", gz), ("xlsx.gz", lambda text: gz(xlsx(text)))],
)
def test_the_written_plan_reads_the_same_whatever_the_files(s2s, plan, ending, pack):
    words = put({name: pack(text) for name, text in TABLES.items()}, ending)
    assert s2s("allocate", *words, *DAY, "--out", "other").code == 0
    for name in ("plan.csv", "unmet.csv", "workload.csv", "excluded.csv"):
        assert (Path("other") / name).read_bytes() == (Path(plan) / name).read_bytes()
    assert s2s("verify", "other").out.endswith("The plan holds.\n")


def test_the_same_files_give_the_same_plan_but_for_the_times(s2s, plan):
    assert s2s("allocate", *put(TABLES), *DAY, "--out", "again").code == 0
    first, second = ({Path(path).name: held for path, (held, _) in tree(folder).items()} for folder in (plan, "again"))
    manifests = [json.loads(files.pop("manifest.json")) for files in (first, second)]
    assert first == second
    for manifest in manifests:
        del manifest["timings"], manifest["written_at"]
    assert manifests[0] == manifests[1]


def test_a_fault_in_the_input_leaves_an_earlier_plan_as_it_was(s2s, plan):
    words = put(TABLES | {"needs": NEEDS.replace("headship", "head ship")})
    before = tree()
    run = s2s("allocate", *words, "--out", plan)
    assert (run.code, run.out) == (2, "")
    assert run.err.endswith("1 problem found; nothing was written.\n")
    assert tree() == before


def test_a_fault_in_the_input_writes_nothing(s2s):
    words = put(TABLES | {"decisions": decisions("pin,S1,N1,,,,", "pin,S2,N1,,,,")})
    before = tree()
    assert s2s("allocate", *words, "--out", "deep/plan").code == 2
    assert tree() == before
    assert not Path("deep").exists()


def test_a_plan_replaces_an_earlier_plan_whole(s2s, plan):
    words = put(TABLES | {"needs": NEEDS.replace("N1,", "N7,")})
    assert s2s("allocate", *words, *DAY, "--out", plan).code == 0
    assert [row["need_id"] for row in plan_cells(plan)] == ["N2", "N3", "N7"]
    assert s2s("verify", plan).code == 0
    assert [path for path in Path().iterdir() if path.name.startswith(".")] == []


def test_a_plan_does_not_replace_other_files(s2s):
    words = put(TABLES)
    before = tree()
    run = s2s("allocate", *words, "--out", ".")
    assert run.code == 2
    assert run.err.startswith(".: The directory holds other files, and a plan would replace them. Name a new directory")
    run = s2s("allocate", *words, "--out", "needs.csv")
    assert run.err.startswith("needs.csv: This is a file. Name a directory for a plan.")
    assert tree() == before


def test_a_place_that_cannot_be_written_is_told(s2s):
    words = put(TABLES)
    before = tree()
    run = s2s("allocate", *words, "--out", "needs.csv/plan")
    assert run.code == 2
    assert re.search(r"needs\.csv/plan: The plan cannot be written here \([a-z ]+\)\. Check the path, ", run.err)
    assert tree() == before


def test_pins_and_a_baseline_are_kept(s2s, plan):
    words = put(TABLES | {"decisions": decisions('pin,S3,N2,,"asked\nfor",Pat,2026-08-01')})
    run = s2s("allocate", *words, *DAY, "--baseline", plan, "--out", "next")
    assert run.code == 0
    assert {row["need_id"]: row["origin"] for row in plan_cells("next")} == {"N1": "kept", "N2": "pinned", "N3": "kept"}
    assert s2s("verify", "next").code == 0
    assert s2s("verify", "next", *words, "--baseline", plan).code == 0
    run = s2s("verify", "next", *words)
    assert (run.code, "baseline" in run.err) == (3, True)


def test_a_baseline_that_is_no_plan_is_told(s2s):
    run = s2s("allocate", *put(TABLES), "--baseline", "gone", "--out", "plan")
    assert run.code == 2
    assert run.err.startswith(f"plan.csv: {Path('gone/plan.csv')} cannot be opened (no such file or directory).")
    assert not Path("plan").exists()


def test_unusual_identifiers_and_texts_reach_the_plan_and_come_back(s2s):
    names = ["NA", "nan", "True", "001"]
    needs = "need_id,school_urn,focus,notes\n" + "".join(f"{name},100000,maths,=1+1\n" for name in names)
    supporters = SUPPORTERS.replace("S1,Ann Ash", "NULL,=Ann").replace(",2,5", ",4,")
    assert s2s("allocate", *put(TABLES | {"needs": needs, "supporters": supporters}), *DAY, "--out", "plan").code == 0
    assert [row["need_id"] for row in plan_cells("plan")] == sorted(names)
    assert {row["supporter_name"] for row in plan_cells("plan")} == {"'=Ann"}
    assert s2s("verify", "plan").code == 0
    assert s2s("explain", "plan", "--need", "NA", "--supporter", "NULL").code == 0


def test_minus_no_days_are_no_days(s2s):
    run = s2s("allocate", *put(TABLES | {"needs": NEEDS.replace("maths,,2,", "maths,,-0,")}), *DAY, "--out", "plan")
    if run.code == 0:
        assert plan_cells("plan")[0]["days"] == "0"
        assert s2s("explain", "plan", "--need", "N2", "--supporter", "S1").code == 0


# verify


def test_verify_holds_a_plan_to_its_inputs(s2s, plan):
    words = put(TABLES)
    for given in ([], words):
        run = s2s("verify", plan, *given)
        assert run.code == 0
        assert run.out.splitlines()[-1] == "The plan holds."
        assert "Every rule holds for each of the 3 deployments" in run.out


def test_verify_holds_where_several_tables_have_notices(s2s):
    odd = {
        "needs": NEEDS.replace("priority", "prio"),
        "schools": SCHOOLS.replace("ofsted", "grade"),
        "accreditation": EVIDENCE_HEADER.replace("evidence", "proof") + "S1,LLE-1,yes,,\n",
        "supporters": SUPPORTERS.replace("days_available", "hours"),
    }
    assert s2s("allocate", *put(odd), *DAY, "--out", "plan").code == 0
    assert s2s("verify", "plan").code == 0


def test_verify_writes_nothing(s2s, plan):
    before = tree()
    s2s("verify", plan)
    assert tree() == before


def test_verify_tells_of_another_input(s2s, plan):
    run = s2s("verify", plan, *put(TABLES | {"needs": NEEDS.replace("critical", "high")}))
    assert run.code == 3
    assert "The needs file is not the one that the plan was made from: its digest differs." in run.err
    run = s2s("verify", plan, *put(TABLES), *put({"policy": ""}))
    assert "The plan was made without a policy file, and one was given." in run.err


def test_the_same_file_under_another_name_is_the_same_input(s2s):
    tables = TABLES | {"needs": NEEDS.replace("priority", "prio")}
    assert s2s("allocate", *put(tables), *DAY, "--out", "plan").code == 0
    Path("needs.csv").rename("copy of needs.csv")
    words = ["--schools", "schools.csv", "--supporters", "supporters.csv", "--needs", "copy of needs.csv"]
    assert s2s("verify", "plan", *words).code == 0


def edit(path: str, old: str, new: str) -> None:
    text = Path(path).read_text(encoding="utf-8")
    assert re.search(old, text), text
    Path(path).write_text(re.sub(old, new, text), encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "old", "new", "fault"),
    [
        ("plan.csv", r"N1,", "N9,", "plan.csv and unmet.csv do not hold every open or pinned need exactly once."),
        ("plan.csv", r",S2,", ",S9,", "plan.csv names supporters who are not in the inputs: S9."),
        ("plan.csv", r",S2,", ",S3,", "plan.csv N2: S3 breaks a rule with this need."),
        ("plan.csv", r",1\.00,", ",1.01,", "distance_km is '1.01', and '1.00' was expected."),
        ("plan.csv", r"Ann Ash", "Ann Oak", "plan.csv was changed after the plan was written"),
        ("plan.csv", r",0\.\d+,1\.000", ",abc,1.000", "score is 'abc', and "),
        ("plan.csv", r",0\.\d+,1\.000", ",,1.000", "score is '', and "),
        ("workload.csv", r"\d\.\d+\n", "abc\n", "workload.csv was changed after the plan was written"),
        (
            "unmet.csv",
            r"\Z",
            "N1,,,,,,,,\n",
            "plan.csv and unmet.csv do not hold every open or pinned need exactly once.",
        ),
        ("excluded.csv", r"\Z", "S1,,,,\n", "excluded.csv was changed after the plan was written"),
        ("manifest.json", r'"status": "\w+"', '"status": "gap"', "the status 'gap' does not follow from the bounds."),
        ("manifest.json", r'"unmet": 0', '"unmet": 1', "manifest.json: the count of unmet is 1, and 0 was expected."),
    ],
)
def test_verify_tells_what_was_changed(s2s, plan, name, old, new, fault):
    edit(f"{plan}/{name}", old, new)
    run = s2s("verify", plan)
    assert (run.code, run.out) == (3, "")
    assert fault in run.err
    assert re.search(r"^The plan does not hold: \d+ faults?\.$", run.err, re.MULTILINE)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (r'"as_at": "[^"]*"', '"as_at": "yesterday"'),
        (r'"as_at": "[^"]*"', '"as_at": 5'),
        (r'"bonus": [0-9.]+', '"bonus": "x"'),
        (r'"bonus": [0-9.]+', '"penalty": 1'),
        (r'"outputs": {', '"outputs": 5, "others": {'),
        (r'"inputs": {', '"inputs": 5, "others": {'),
        (r'"objective": \[', '"objective": 5, "others": ['),
        (r'"value": 1,', '"worth": 1,'),
        (r'"proof": {', '"proof": 5, "others": {'),
        (r'"policy": {', '"policy": 5, "others": {'),
        (r'"sha256"', '"digest"'),
        (r"^{", "[{"),
        (r"^{", '{"as_at": 1} {'),
        (r'"as_at"', '"on"'),
    ],
)
def test_a_damaged_manifest_is_no_defect_of_ours(s2s, plan, old, new):
    edit(f"{plan}/manifest.json", old, new)
    run = s2s("verify", plan)
    assert (run.code, run.out) == (2, "")
    assert run.err


@pytest.mark.parametrize("name", ["plan.csv", "unmet.csv", "workload.csv", "excluded.csv"])
def test_a_plan_that_lacks_a_file_is_told(s2s, plan, name):
    (Path(plan) / name).unlink()
    for words in (["verify", plan], ["explain", plan, "--need", "N1"], ["graph", plan, "--out", "g.graphml"]):
        run = s2s(*words)
        assert (run.code, run.out) == (2, "")
        assert f"{name}: This file of the plan is missing." in run.err


@pytest.mark.parametrize("name", ["plan.csv", "unmet.csv", "workload.csv", "excluded.csv"])
def test_a_plan_with_other_columns_is_told(s2s, plan, name):
    edit(f"{plan}/{name}", r"reason|price", "why")
    run = s2s("verify", plan)
    assert run.code == 2
    assert f"{name} row 1: The columns are not those of a plan. Expected are: " in run.err


@pytest.mark.parametrize("words", [["verify"], ["explain", "--need", "N1"], ["graph", "--out", "g.graphml"]])
def test_a_directory_without_a_plan_is_told(s2s, words):
    run = s2s(*words, ".")
    assert (run.code, run.out) == (2, "")
    assert ".: There is no plan here: manifest.json is missing. Name a directory that 'allocate' has made." in run.err


def test_a_stray_file_among_the_inputs_does_no_harm(s2s, plan):
    # Finder on a Mac leaves one in every folder that it opens.
    (Path(plan) / "inputs" / ".DS_Store").write_bytes(b"\0")
    assert s2s("explain", plan, "--need", "N1").code == 0
    assert s2s("verify", plan).code == 0


def test_a_plan_without_copies_of_its_inputs_is_verified_against_those_given(s2s, plan):
    shutil.rmtree(Path(plan) / "inputs")
    assert s2s("verify", plan).code == 2
    assert s2s("verify", plan, *put(TABLES)).code == 0


# explain


def test_explain_tells_who_and_why(s2s, plan):
    run = s2s("explain", plan, "--need", "N1")
    lines = run.out.splitlines()
    assert lines[0] == "N1: maths at Alder School (Primary), high priority, 2 days"
    assert re.fullmatch(
        r"Ann Ash \(S1, SLE\) of Birch School supports this need, with a score of \d\.\d{3}\.", lines[1]
    )
    assert "Eligible supporters, best score first:" in lines


def test_explain_tells_why_not(s2s, plan):
    run = s2s("explain", plan, "--need", "N1", "--supporter", "S2")
    assert run.out.splitlines()[1:6] == [
        "Bob Bay (S2) is not eligible for this need:",
        "- is an LLE, but the need is for an SLE;",
        "- does not have maths as a specialism;",
        "- works at this school.",
        run.out.splitlines()[5],
    ]
    assert "Bob Bay (S2) supports N2" in run.out


def test_explain_tells_of_an_unmet_need(s2s):
    assert s2s("allocate", *put(TABLES | {"needs": NEEDS.replace("phonics", "drama")}), *DAY, "--out", "plan").code == 0
    run = s2s("explain", "plan", "--need", "N3")
    assert "This need is unmet. No one is eligible." in run.out
    assert "Eligible supporters" not in run.out


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (("--need", "N11"), "need: 'N11' is not a need of this plan. Did you mean 'N1'?"),
        (("--need", "zzz"), "need: 'zzz' is not a need of this plan. Look it up in the needs table."),
        (
            ("--need", "N1", "--supporter", "S11"),
            "supporter: 'S11' is not a supporter of this plan. Did you mean 'S1'?",
        ),
    ],
)
def test_explain_of_somebody_unknown_is_wrong(s2s, plan, words, fault):
    run = s2s("explain", plan, *words)
    assert (run.code, run.out) == (2, "")
    assert run.err.splitlines()[0] == fault


def test_explain_of_a_plan_that_lost_a_row_is_no_defect_of_ours(s2s, plan):
    edit(f"{plan}/plan.csv", r"(?m)^N2,.*\n", "")
    run = s2s("explain", plan, "--need", "N2")
    assert (run.code, run.out) == (2, "")
    assert run.err


# graph


def test_graph_writes_graphml(s2s, plan):
    run = s2s("graph", plan, "--out", "deep/g.graphml")
    assert run.out.startswith(
        "6 nodes and 3 eligible pairs written to deep/g.graphml: 2 connected components, and 1 node without"
    )
    root = ElementTree.parse("deep/g.graphml").getroot()
    assert len(root.findall(".//{*}node")) == 6
    assert len(root.findall(".//{*}edge")) == 3


def test_graph_of_one_need_is_what_is_around_it(s2s, plan):
    assert s2s("graph", plan, "--out", "g.graphml", "--need", "N2").out.startswith("2 nodes and 1 eligible pair")
    run = s2s("graph", plan, "--out", "g2.graphml", "--need", "N22")
    assert (run.code, Path("g2.graphml").exists()) == (2, False)
    assert run.err.startswith("need: 'N22' is not a need of this plan. Did you mean 'N2'?")


def test_a_graph_where_a_folder_stands_is_told(s2s, plan):
    Path("g.graphml").mkdir()
    before = tree()
    run = s2s("graph", plan, "--out", "g.graphml")
    assert run.code == 2
    assert run.err.startswith(
        "g.graphml: g.graphml cannot be written (is a directory). Check the path, the free space and your rights."
    )
    assert tree() == before


# compare


def test_compare_tells_what_changed(s2s, plan):
    words = put(TABLES | {"decisions": decisions("pin,S3,N2,,,,")})
    assert s2s("allocate", *words, *DAY, "--out", "next").code == 0
    run = s2s("compare", plan, "next", "--out", "changes.csv")
    assert run.code == 0
    assert all(word in run.out for word in ("N2", "S2", "S3"))
    assert "N1" not in run.out
    assert [row["need_id"] for row in plan_cells(".", "changes.csv")] == ["N2"]
    assert s2s("compare", plan, plan).out.endswith("Both plans serve every need in the same way.\n")


# schools


@pytest.mark.parametrize(("ending", "pack"), [("csv", str.encode), ("csv.gz", gz), ("xlsx", xlsx)])
def test_schools_makes_a_table_of_an_extract(s2s, ending, pack):
    Path(f"gias.{ending}").write_bytes(pack(GIAS))
    run = s2s("schools", "--gias", f"gias.{ending}", "--out", "deep/schools.csv")
    assert run.out.splitlines()[:2] == ["2 schools written to deep/schools.csv.", "1 left out: closed."]
    assert "Notice: " in run.out
    rows = cells(Path("deep/schools.csv").read_text(encoding="utf-8-sig"))
    assert rows[0] == [
        "urn", "name", "phase", "easting", "northing", "local_authority", "region", "trust", "trust_code", "federation",
        "postcode", "ofsted", "pupils", "fsm_percent",
    ]  # fmt: skip
    assert [row[:5] for row in rows[1:]] == [
        ["100000", "Alder School", "Primary", "400000", "300000"],
        ["100002", "Cedar Academy", "Secondary", "402000", "300000.5"],
    ]
    assert len(read_schools(Source("schools.csv", Path("deep/schools.csv").read_bytes()))) == 2


def test_schools_of_a_file_that_is_no_extract_writes_nothing(s2s):
    put(TABLES)
    Path("out.csv").write_bytes(b"earlier")
    before = tree()
    run = s2s("schools", "--gias", "needs.csv", "--out", "out.csv")
    assert (run.code, run.out) == (2, "")
    assert "The column is missing from this GIAS extract." in run.err
    assert run.err.endswith("7 problems found; nothing was written.\n")
    assert tree() == before


# simulate and demo


def made(s2s, *words: str) -> dict[str, bytes]:
    run = s2s("simulate", *put({"schools": SCHOOLS}), "--supporters", "6", "--needs", "5", "--out", "made", *words)
    assert run.out == "6 made-up supporters and 5 needs written to made.\n"
    return {Path(path).name: held for path, (held, _) in tree("made").items()}


def test_simulated_tables_are_sound_and_follow_the_seed(s2s):
    first, again, other = made(s2s, "--seed", "3"), made(s2s, "--seed", "3"), made(s2s, "--seed", "4")
    tables = ("accreditation", "decisions", "needs", "schools", "supporters")
    assert sorted(first) == sorted([*(f"{name}.csv" for name in tables), "made-up.txt"])
    assert b"No person in these tables is real." in first["made-up.txt"]
    assert first == again != other
    words = [word for name in tables for word in (f"--{name}", f"made/{name}.csv")]
    assert s2s("check", *words, *DAY).out.startswith("No problems found: 3 schools, 6 supporters, 5 needs.")
    assert s2s("allocate", *words, *DAY, "--out", "plan").code == 0
    assert s2s("verify", "plan").code == 0


def test_simulated_rounds_can_be_without_days(s2s):
    rows = cells(made(s2s, "--no-days")["needs.csv"].decode("utf-8-sig"))
    assert {row[rows[0].index("days")] for row in rows[1:]} == {""}


def test_simulate_at_no_region_is_wrong(s2s):
    words = ["--supporters", "1", "--needs", "1", "--region", "Nowhere", "--out", "made"]
    run = s2s("simulate", *put({"schools": SCHOOLS}), *words)
    assert run.code == 2
    assert "No school is in 'Nowhere'." in run.err
    assert not Path("made").exists()


def test_simulate_does_not_replace_tables_that_it_did_not_make(s2s):
    put(TABLES)
    before = tree()
    run = s2s("simulate", "--schools", "schools.csv", "--supporters", "1", "--needs", "1", "--out", ".")
    assert run.code == 2
    assert ".: The directory holds other files, and the tables would replace them." in run.err
    assert {name: held for name, held in tree().items() if name in before} == before


@pytest.mark.skipif(not demo_sources(), reason="the demo area is not there")
def test_the_demo_is_allocated_and_holds(s2s):
    run = s2s("demo", *DAY, "--out", "plan")
    assert re.match(r"\d+ of \d+ needs are met", run.out)
    assert "Proved: no plan is better." in run.out
    assert s2s("verify", "plan").code == 0
    need = plan_cells("plan")[0]["need_id"]
    assert s2s("explain", "plan", "--need", need).code == 0


@pytest.mark.skipif(not demo_sources(), reason="the demo area is not there")
def test_the_demo_does_not_replace_other_files(s2s):
    Path("demo-plan").mkdir()
    Path("demo-plan/mine.txt").write_text("mine")
    run = s2s("demo")
    assert run.code == 2
    assert run.err.startswith("demo-plan: The directory holds other files, and a plan would replace them.")
    assert list(tree()) == ["demo-plan/mine.txt"]


# Official files, columns under other names, and rows left out


GIAS_UNGRADED = GIAS.replace("100001,Birch School,01,Closed", "100001,Birch School,01,Open")
OFSTED = "URN,Overall effectiveness,Inspection start date\n100000,2,03/10/2023\n100009,1,05/06/2019\n"
LINKS = "URN,LinkURN,LinkType\n100009,100002,Successor\n"


def test_schools_have_the_grades_of_ofsted_and_of_their_predecessors(s2s):
    files = put({"gias": GIAS_UNGRADED, "ofsted": OFSTED, "links": LINKS})
    run = s2s("schools", *files, "--out", "schools.csv")
    assert run.code == 0
    header, *rows = cells(Path("schools.csv").read_text(encoding="utf-8-sig"))
    assert header[:14] == SCHOOL_COLUMNS
    assert header[14:] == ["ofsted_date", "inspected_on", "ofsted_found"]
    assert [(row[11], row[14], row[16]) for row in rows] == [
        ("Good", "2023-10-03", "Ofsted"),
        ("", "", ""),
        ("Outstanding", "2019-06-05", "Ofsted, inherited from 100009"),
    ]
    assert len(read_schools(Source("schools.csv", Path("schools.csv").read_bytes()))) == 3


SCHOOL_COLUMNS = ["urn", "name", "phase", "easting", "northing", "local_authority", "region", "trust"]
SCHOOL_COLUMNS += ["trust_code", "federation", "postcode", "ofsted", "pupils", "fsm_percent"]


def test_a_plan_of_official_files_and_other_headers_verifies_from_its_own_copies(s2s):
    tables = {
        "schools": GIAS_UNGRADED,
        "supporters": SUPPORTERS,
        "needs": NEEDS.replace("need_id", "Ref").replace("N3,100002", "N3,100009") + "N9,100000,maffs,,,\n",
        "ofsted": OFSTED,
        "links": LINKS,
    }
    words = put(tables)
    Path("columns.toml").write_text('[needs]\n"Ref" = "need_id"\n', encoding="utf-8")
    more = ("--columns", "columns.toml", "--leave-out")
    checked = s2s("check", *words, *more, *DAY)
    assert checked.code == 0, checked.err
    assert "Notice: needs.csv: 1 row of 4 left out on request, 3 used: row 5 (focus)." in checked.out
    made = s2s("allocate", *words, *more, *DAY, "--out", "plan")
    assert made.code == 0
    assert sorted(path.name for path in Path("plan/inputs").iterdir()) == [
        "needs.csv",
        "policy.toml",
        "schools.csv",
        "supporters.csv",
    ]
    assert s2s("verify", "plan").code == 0
    assert s2s("verify", "plan", *words, *more).code == 0
    assert s2s("verify", "plan", *words).code == 2
    assert s2s("explain", "plan", "--need", "N1").code == 0


def test_without_the_request_a_faulty_row_stops_the_run(s2s):
    run = s2s("check", *put(TABLES | {"needs": NEEDS + "N9,100000,maffs,,,\n"}))
    assert run.code == 2
    assert run.err.endswith("1 problem found; nothing was written.\n")


def test_a_file_that_would_be_ignored_is_refused(s2s):
    words = put({**TABLES, "ofsted": OFSTED, "links": LINKS})
    ignored = "--ofsted: schools.csv is not a GIAS extract, and ofsted.csv only adds to one."
    for command in (("check",), ("allocate", "--out", "plan")):
        run = s2s(*command, *words)
        assert (run.code, run.out) == (2, "")
        assert run.err.splitlines() == [
            f"{ignored} Remove it, or give the extract.",
            "1 problem found; nothing was written.",
        ]
    run = s2s("triage", *words[:2], *words[-4:], "--out", "t")
    assert run.err.splitlines()[0].startswith("--links: schools.csv is not a GIAS extract")
    assert run.err.splitlines()[1].startswith(ignored)
    assert not Path("t").exists()


# What a round is begun from, and what is handed over


def test_the_default_policy_is_printed_and_written(s2s):
    run = s2s("policy")
    assert read_policy(Source("policy.toml", run.out.encode())) == Policy()
    written = s2s("policy", "--out", "deep/policy.toml.gz")
    assert written == Run(0, f"The default policy is written to {Path('deep/policy.toml.gz')}.\n", "")
    assert gzip.decompress(Path("deep/policy.toml.gz").read_bytes()).decode() == run.out
    assert s2s("policy", "--out", "again.toml.gz").code == 0
    assert Path("again.toml.gz").read_bytes() == Path("deep/policy.toml.gz").read_bytes()


def test_the_criteria_are_a_table_in_every_format(s2s):
    header, *rows = cells(s2s("criteria").out)
    assert header == ["criterion", "designation", "about", "wording"]
    assert [row[0] for row in rows] == list(standard_vocabulary().criteria)
    assert len(rows) == 27
    for ending in ("csv", "csv.gz", "xlsx", "XLSX.GZ"):
        written = s2s("criteria", "--out", f"criteria.{ending}")
        assert written == Run(0, f"27 criteria are written to criteria.{ending}.\n", "")
        sheet = read_sheet(open_source(Path(f"criteria.{ending}")))
        assert (list(sheet.header), [list(cells) for _, cells in sheet.rows()]) == (header, rows)


def test_templates_are_sound_and_never_replaced(s2s):
    assert s2s("templates", "--out", "deep/mine").out.startswith("6 templates written to deep/mine.")
    names = ("schools", "supporters", "needs", "accreditation", "decisions")
    words = [word for name in names for word in (f"--{name}", f"deep/mine/{name}.csv")]
    assert s2s("check", *words, "--policy", "deep/mine/policy.toml", *DAY).code == 0
    Path("deep/mine/needs.csv").write_text("filled in")
    (Path("deep/mine/schools.csv")).unlink()
    before = tree()
    run = s2s("templates", "--out", "deep/mine")
    assert (run.code, run.out) == (2, "")
    assert "needs.csv: This file is there already. Name a new directory." in run.err
    assert tree() == before


def test_export_writes_what_hand_over_offers(s2s):
    words = put(TABLES | {"decisions": decisions("pin,S3,N2,,a private remark,Pat,2026-08-01")})
    assert s2s("allocate", *words, *DAY, "--out", "plan").code == 0
    assert s2s("export", "plan", "--out", "out", "--name", "Autumn", *DAY).out == "7 files written to out.\n"
    saved = read_directory(Path("plan"))
    inputs, occasion = saved_inputs(saved), Occasion("Autumn", date(2026, 9, 1))
    shared = without_remarks(saved.plan, inputs)
    assert {
        name: (Path("out") / name).read_bytes() for name in sorted(path.name for path in Path("out").iterdir())
    } == {
        "letters-schools.csv": handover.school_letters_csv(shared, inputs, occasion),
        "letters-supporters.csv": handover.supporter_letters_csv(shared, inputs, occasion),
        "plan-by-school.html": handover.plan_by_school_html(shared, inputs, occasion),
        "plan-by-supporter.html": handover.plan_by_supporter_html(shared, inputs, occasion),
        "plan-ids.csv": handover.plan_identifiers_csv(saved.plan),
        "plan.xlsx": excel_bytes(shared, equity=saved.equity),
        "unmet-ids.csv": handover.unmet_identifiers_csv(saved.plan),
    }
    assert b"a private remark" not in b"".join(held for held, _ in tree("out").values())
    assert s2s("export", "plan", "--out", "out", "--remarks").code == 0
    assert b"a private remark" in Path("out/plan-by-school.html").read_bytes()
    assert s2s("export", "plan", "--out", "plan").code == 2
    assert s2s("export", "out", "--out", "other").code == 2
    assert not Path("other").exists()


def test_a_gap_is_written_and_ends_in_3_where_a_proof_is_required(s2s, monkeypatch):
    words = (*put(TABLES), *DAY, "--out", "plan", "--require-optimal")
    assert s2s("allocate", *words).code == 0

    def unproved(inputs, **options):
        plan = allocate(inputs, **options)
        manifest = {**plan.manifest, "status": "gap", "proof": {**plan.manifest["proof"], "cut_short_by": "time limit"}}
        return replace(plan, manifest=manifest)

    monkeypatch.setattr("matching.commands.allocate.allocate", unproved)
    shutil.rmtree("plan")
    run = s2s("allocate", *words)
    assert (run.code, run.err) == (3, "")
    assert "Time ran out before it was proved the best" in run.out
    assert json.loads(Path("plan/manifest.json").read_bytes())["status"] == "gap"
    assert s2s("allocate", *words[:-1]).code == 0


def test_a_file_on_standard_output_stands_there_alone(s2s, plan):
    files = put({"gias": GIAS})
    assert s2s("schools", *files, "--out", "schools-made.csv").code == 0
    run = s2s("schools", *files, "--out", "-")
    assert run.code == 0
    assert run.out.encode() == Path("schools-made.csv").read_bytes().removeprefix(b"\xef\xbb\xbf")
    assert run.err.splitlines()[:2] == ["2 schools written to standard output.", "1 left out: closed."]
    run = s2s("compare", plan, plan, "--out", "-")
    assert run.out.startswith("need_id,school_urn,")
    assert "Both plans serve every need in the same way." in run.err
    run = s2s("graph", plan, "--out", "-")
    assert len(ElementTree.fromstring(run.out).findall(".//{*}node")) == 6
    assert shell("$S2S graph plan --out - 2> /dev/null | head -c 5").stdout == "<?xml"


@pytest.mark.parametrize(
    ("words", "known"),
    [
        (("schools", "--gias", "gias.csv", "--out", "schools.ods"), ".csv, .xlsx, .csv.gz and .xlsx.gz"),
        (("compare", "plan", "plan", "--out", "changes.json"), ".csv, .xlsx, .csv.gz and .xlsx.gz"),
        (("graph", "plan", "--out", "graph.csv"), ".graphml and .graphml.gz"),
        (("policy", "--out", "policy.csv"), ".toml and .toml.gz"),
        (("criteria", "--out", "criteria"), ".csv, .xlsx, .csv.gz and .xlsx.gz"),
    ],
)
def test_an_ending_that_is_not_written_is_refused_with_those_that_are(s2s, words, known):
    run = s2s(*words)
    assert (run.code, run.out) == (2, "")
    name = words[-1]
    assert run.err.splitlines()[0] == (
        f"--out: {name} does not end in the name of a format that is written here. "
        f"Known are {known}, and - for standard output."
    )
    assert tree() == {}


@pytest.mark.parametrize(
    "words",
    [
        ("allocate", "--schools", "a", "--supporters", "b", "--needs", "c", "--out", "plan.zip"),
        ("demo", "--out", "plan.xlsx"),
        ("export", "plan", "--out", "handed.zip"),
        ("templates", "--out", "templates.csv"),
        ("triage", "--schools", "a", "--out", "triage.csv"),
        ("simulate", "--schools", "a", "--supporters", "1", "--needs", "1", "--out", "made.csv.gz"),
    ],
)
def test_a_directory_that_is_named_like_a_file_is_refused(s2s, words):
    run = s2s(*words)
    assert (run.code, run.out) == (2, "")
    assert run.err.splitlines()[0] == (
        f"--out: {words[-1]} is named like a file, and a directory is written here. Name a directory."
    )


@pytest.mark.parametrize(
    "words",
    [
        ("policy", "--out", "needs.csv/policy.toml"),
        ("criteria", "--out", "needs.csv/criteria.csv"),
        ("templates", "--out", "needs.csv/templates"),
        ("export", "plan", "--out", "needs.csv/handed"),
        ("compare", "plan", "plan", "--out", "needs.csv/changes.csv"),
        ("triage", "--schools", "schools.csv", "--out", "needs.csv/triage"),
        ("explain", "plan", "--all", "--out", "needs.csv/all.csv"),
    ],
)
def test_a_place_where_nothing_can_be_written_is_a_problem(s2s, plan, words):
    before = tree()
    run = s2s(*words)
    assert run.code == 2
    assert "cannot be written" in run.err
    assert tree() == before


# Who needs help, and who is accredited


def test_triage_lists_schools_and_proposes_needs_that_allocate_takes(s2s):
    ofsted = OFSTED.replace("100000,2", "100000,4")
    run = s2s("triage", *put({"gias": GIAS, "ofsted": ofsted, "links": LINKS}), *DAY, "--out", "triage")
    assert run.code == 0
    assert run.out.startswith("Listed: 1 school of 2. Proposed: 1 need. Written to triage. These are suggestions")
    assert plan_cells("triage", "triage.csv")[0]["reason"] == "The last overall grade is inadequate."
    assert plan_cells("triage", "needs.csv")[0]["need_id"] == "100000-1"
    supporters = SUPPORTERS.replace("100001", "100002")
    words = put({"schools": GIAS, "supporters": supporters})
    assert s2s("allocate", *words, "--needs", "triage/needs.csv", *DAY, "--out", "plan").code == 0
    # A second time it replaces its own directory, and no other one.
    assert s2s("triage", "--schools", "schools.csv", "--out", "triage").code == 0
    assert s2s("triage", "--schools", "schools.csv", "--out", "plan").code == 2
    assert s2s("triage", "--schools", "schools.csv", "--gias", "gias.csv", "--out", "triage").code == 2
    assert s2s("triage", "--out", "triage").code == 2


def test_triage_takes_results_and_one_local_authority(s2s):
    Path("ks.csv").write_text("URN,P8MEA\n100002,-0.7\n100001,\n", encoding="utf-8")
    words = ("--attainment", "ks.csv", "--local-authority", "Marshire", "--out", "t", *DAY)
    run = s2s("triage", *put({"schools": SCHOOLS}), *words)
    assert run.out.splitlines()[1:] == [
        "1 listed mainly for: below-minimum.",
        "Notice: ks.csv: 1 of 2 rows lack a result, which counts as not below.",
    ]


def test_who_is_no_longer_accredited_is_told_with_the_deployments_it_touches(s2s):
    codes = [f"LLE-{n}" for n in range(1, 12)]
    evidence = EVIDENCE_HEADER + "".join(f"S2,{code},yes,,2026-05-01\n" for code in codes)
    needs = NEEDS.replace("N2,100001,headship,,,", "N2,100001,headship,LLE,,critical")
    tables = TABLES | {"accreditation": evidence, "needs": needs}
    words = put(tables)
    assert s2s("allocate", *words, *DAY, "--out", "plan").code == 0
    Path("new.csv").write_text(SCHOOLS.replace(",Good", ",Inadequate"), encoding="utf-8")
    given = ("--schools", "schools.csv", "--schools-new", "new.csv", "--supporters", "supporters.csv")
    run = s2s("accreditation", *given, "--accreditation", "accreditation.csv", "--plan", "plan", *DAY)
    assert run.code == 0
    assert run.out.splitlines() == [
        "S2 (LLE, supporters.csv row 3) is no longer accredited (LLE-2 not met, LLE-8 not met): Alder School, 'Good' before, 'Inadequate' now.",
        "Supporters whose home school's grade changed: 1; 1 no longer accredited, 0 newly accredited.",
        "Need N2 (headship, Birch School), plan.csv row 2: S2: no longer accredited (LLE-2 not met, LLE-8 not met).",
        "Deployments affected: 1.",
    ]


def test_schools_triage_and_accreditation_read_tables_as_a_columns_file_says(s2s):
    put({"extract": f"Title\n{GIAS}", "schools": SCHOOLS.replace("urn,name", "Ref,name"), "supporters": SUPPORTERS})
    put({"supporters": SUPPORTERS.replace("name,designation", "Who,designation")})
    put({"accreditation": EVIDENCE_HEADER + "S2,LLE-1,yes,,2026-05-01\n"})
    Path("columns.toml").write_text('[schools]\nRef = "urn"\n[supporters]\nWho = "name"\n', encoding="utf-8")
    Path("rows.toml").write_text("[header_rows]\nschools = 2\n", encoding="utf-8")
    assert s2s("schools", "--gias", "extract.csv", "--columns", "rows.toml", "--out", "made.csv").code == 0
    assert "100002,Cedar Academy" in Path("made.csv").read_text(encoding="utf-8-sig")
    ours = ("--schools", "schools.csv", "--columns", "columns.toml")
    people = ("--supporters", "supporters.csv", "--accreditation", "accreditation.csv", "--schools-new", "schools.csv")
    for words in (("triage", "--out", "t"), ("accreditation", *people)):
        assert s2s(*words, *ours, *DAY).code == 0
        assert s2s(*words, *ours[:2], *DAY).code == 2


TRIAGE_SCHOOLS = """\
urn,name,phase,easting,northing,local_authority,region,ofsted,pupils,fsm_percent
100000,Alder School,Primary,400000,300000,Fenshire,East,Inadequate,100,
100001,Birch School,Primary,401000,300000,Marshire,East,Inadequate,200,
100002,Cedar School,Primary,402000,300000,Moorshire,North,Inadequate,,30
100003,Dogwood School,Primary,402000,300000,Moorshire,North,Good,50,40
"""


def test_triage_takes_several_places_and_asks_about_a_mistyped_one(s2s):
    words = put({"schools": TRIAGE_SCHOOLS})
    for places, urns in (
        (("--local-authority", "MARSHIRE ", "--local-authority", "moorshire"), ["100002", "100001"]),
        (("--region", "east"), ["100001", "100000"]),
        (("--region", "East", "--local-authority", "Fenshire"), ["100000"]),
    ):
        assert s2s("triage", *words, *places, "--out", "t").code == 0
        assert [row["urn"] for row in plan_cells("t", "triage.csv")] == urns
    assert plan_cells("t", "triage.csv")[0]["region"] == "East"
    before = tree()
    run = s2s("triage", *words, "--region", "Nort", "--local-authority", "Marshhire", "--out", "t")
    assert (run.code, run.out) == (2, "")
    assert run.err.splitlines() == [
        "schools, column local_authority: No school is in 'Marshhire'. Did you mean 'Marshire'?",
        "schools, column region: No school is in 'Nort'. Did you mean 'North'?",
        "2 problems found; nothing was written.",
    ]
    assert tree() == before


def test_triage_keeps_needs_that_were_edited(s2s):
    words = (*put({"schools": TRIAGE_SCHOOLS}), *DAY, "--out", "t")
    assert s2s("triage", *words).code == 0
    assert s2s("triage", *words).code == 0
    edit("t/needs.csv", "critical", "high")
    before = tree()
    run = s2s("triage", *words)
    assert (run.code, run.out) == (2, "")
    assert run.err.splitlines()[0] == (
        f"{Path('t/needs.csv')}: These needs were edited since they were proposed. "
        "Name a new directory, or give --replace to propose them again."
    )
    assert tree() == before
    assert s2s("triage", *words, "--replace").code == 0
    assert "critical" in Path("t/needs.csv").read_text()
    edit("t/triage.csv", "critical", "urgent")
    assert s2s("triage", *words).code == 2


@pytest.mark.parametrize("replace", [(), ("--replace",)], ids=["", "replace"])
def test_files_of_the_users_own_beside_triage_are_never_deleted(s2s, replace):
    words = (*put({"schools": TRIAGE_SCHOOLS}), *DAY, "--out", "t")
    assert s2s("triage", *words).code == 0
    Path("t/notes").mkdir()
    Path("t/notes/mine.txt").write_text("mine")
    before = tree()
    run = s2s("triage", *words, *replace)
    assert (run.code, run.out) == (2, "")
    assert run.err.splitlines()[0] == (
        f"{Path('t').absolute()}: The directory also holds notes/mine.txt, which would be deleted. "
        "Move these files away, or name a new directory."
    )
    assert tree() == before


def test_files_of_the_users_own_beside_an_export_are_never_deleted(s2s, plan):
    assert s2s("export", plan, "--out", "handed", *DAY).code == 0
    Path("handed/answers.csv").write_text("mine")
    before = tree()
    run = s2s("export", plan, "--out", "handed", *DAY)
    assert (run.code, run.out) == (2, "")
    assert "The directory also holds answers.csv, which would be deleted." in run.err
    assert tree() == before


@pytest.mark.parametrize("words", [(), ("--json",)], ids=["words", "json"])
def test_a_comparison_that_cannot_be_written_is_not_printed(s2s, plan, words):
    Path("there.csv").mkdir()
    run = s2s("compare", plan, plan, "--out", "there.csv", *words)
    assert run.code == 2
    assert "there.csv cannot be written (is a directory)." in run.err
    assert "Needs" not in run.out


def test_suggested_columns_never_replace_a_file(s2s):
    Path("columns.toml").write_text("mine")
    run = s2s("check", *put(TABLES), "--suggest-columns", "columns.toml")
    assert (run.code, run.out) == (2, "")
    assert run.err.startswith("--suggest-columns: columns.toml is there already.")
    assert Path("columns.toml").read_text() == "mine"


def test_counts_are_whole_numbers_in_json(s2s, plan):
    levels = json.loads(s2s("compare", plan, plan, "--json").out)["levels"]
    kinds = {row["level"]: type(row["after"]) for row in levels}
    assert [name for name, kind in kinds.items() if kind is float] == ["score", "mean_score", "mean_distance_km"]


def test_schools_are_not_written_without_the_list_of_those_left_out(s2s):
    files = put({"gias": GIAS})
    Path("left-out.csv").mkdir()
    before = tree()
    run = s2s("schools", *files, "--out", "made.csv", "--left-out", "left-out.csv")
    assert (run.code, run.out) == (2, "")
    assert run.err.startswith("left-out.csv: left-out.csv cannot be written (is a directory).")
    assert tree() == before


def test_schools_left_out_are_listed_with_their_reasons(s2s):
    files = put({"gias": GIAS + "100003,Elder School,01,Open,Primary,100000,1000000\n"})
    run = s2s("schools", *files, "--out", "schools.csv", "--left-out", "left-out.csv")
    assert "Those left out are listed in left-out.csv." in run.out.splitlines()
    assert [list(row.values()) for row in plan_cells(".", "left-out.csv")] == [
        ["100001", "Birch School", "closed", "closed on a day that GIAS does not give"],
        [
            "100003",
            "Elder School",
            "no_place",
            "has easting '100000' and northing '1000000' in GIAS, which is not in England",
        ],
    ]
    run = s2s("schools", *files, "--out", "schools.csv", "--left-out", "-")
    assert run.out == Path("left-out.csv").read_text(encoding="utf-8-sig")
    for out, fault in (
        ("schools.csv", "Both tables would be written to one file."),
        ("x.pdf", "does not end in the name"),
    ):
        run = s2s("schools", *files, "--out", "schools.csv", "--left-out", out)
        assert (run.code, fault in run.err) == (2, True)


# Every need explained, and answers as JSON


def test_every_need_is_explained_in_one_table(s2s):
    header, *rows = NEEDS.splitlines()
    states = [f"{header},state", f"{rows[0]},", f"{rows[1]},paused", f"{rows[2].replace('phonics', 'drama')},", ""]
    assert s2s("allocate", *put(TABLES | {"needs": "\n".join(states)}), *DAY, "--out", "plan").code == 0
    assert s2s("explain", "plan", "--all", "--out", "all.csv") == Run(0, "3 needs explained in all.csv.\n", "")
    table = plan_cells(".", "all.csv")
    assert [(row["need_id"], row["state"], row["supporter_id"], row["eligible"]) for row in table] == [
        ("N1", "open", "S1", "1"),
        ("N2", "paused", "", "0"),
        ("N3", "open", "", "0"),
    ]
    assert all(row["explanation"] for row in table)
    run = s2s("explain", "plan", "--all")
    assert run == Run(0, Path("all.csv").read_text(encoding="utf-8-sig"), "")
    assert s2s("explain", "plan", "--all", "--out", "all.xlsx").code == 0
    answer = answered(s2s("explain", "plan", "--all", "--json"))
    assert [one["need_id"] for one in answer["needs"]] == ["N1", "N2", "N3"]
    assert answer["needs"][0]["candidates"][0]["supporter_id"] == "S1"


@pytest.mark.parametrize(
    "words",
    [
        ("explain", "plan", "--all", "--need", "N1"),
        ("explain", "plan", "--all", "--supporter", "S1"),
        ("explain", "plan", "--need", "N1", "--out", "x.csv"),
        ("explain", "plan", "--all", "--json", "--out", "x.csv"),
        ("explain", "plan", "--all", "--out", "x.doc"),
        ("compare", "plan", "plan", "--json", "--out", "-"),
        ("check", *ROUND, "--json", "--suggest-columns", "columns.toml"),
        ("explain", "plan"),
    ],
)
def test_options_that_would_be_ignored_are_problems(s2s, plan, words):
    before = tree()
    run = s2s(*words)
    assert run.code == 2
    assert "1 problem found" in run.err
    assert tree() == before


def answered(run: Run) -> dict[str, Any]:
    """The one JSON object of standard output; nothing else is said where all is well."""
    answer = json.loads(run.out)
    assert answer["format"] == 1
    documented = (HERE / "docs" / "json.md").read_text(encoding="utf-8")
    assert [key for key in answer if f"`{key}`" not in documented] == []
    assert (run.err == "") == (answer["problems"] == [])
    return answer


def test_every_answer_can_be_json(s2s, plan):
    words = put(TABLES)
    answer = answered(s2s("check", *words, *DAY, "--json"))
    assert answer["command"] == "check"
    assert answer["counts"] == {"schools": 3, "supporters": 3, "needs": 3, "eligible_pairs": 3}
    assert answer["notices"] == ["No accreditation table was given: designations are taken as stated."]
    answer = answered(s2s("verify", plan, "--json"))
    assert (answer["command"], answer["holds"], answer["faults"]) == ("verify", True, [])
    answer = answered(s2s("explain", plan, "--need", "N1", "--json"))
    assert answer["headline"] == "N1: maths at Alder School (Primary), high priority, 2 days"
    assert isinstance(answer["candidates"][0]["score"], float)
    assert s2s("allocate", *put(TABLES | {"decisions": decisions("pin,S3,N2,,,,")}), *DAY, "--out", "next").code == 0
    answer = answered(s2s("compare", plan, "next", "--json"))
    assert [(row["need_id"], row["supporter_id_after"]) for row in answer["changes"]] == [("N2", "S3")]
    assert answer["levels"][0] == {"level": "critical", "before": 1.0, "after": 1.0, "difference": 0.0}
    answer = answered(s2s("triage", *put({"schools": TRIAGE_SCHOOLS}), "--out", "t", "--json", *DAY))
    assert [(row["rank"], row["pupils"], row["fsm_percent"]) for row in answer["listed"]] == [
        (1, None, 30.0),
        (2, 200.0, None),
        (3, 100.0, None),
    ]
    assert [row["need_id"] for row in answer["needs"]] == [row["need_id"] for row in plan_cells("t", "needs.csv")]


def test_problems_and_a_no_are_json_too(s2s, plan):
    run = s2s("check", *put(TABLES | {"needs": NEEDS.replace("headship", "head ship")}), "--json")
    assert run.code == 2
    answer = answered(run)
    assert [(one["table"], one["row"], one["column"], one["value"]) for one in answer["problems"]] == [
        ("needs.csv", 3, "focus", "head ship")
    ]
    assert "1 problem found; nothing was written." in run.err
    edit(f"{plan}/plan.csv", "Ann Ash", "Ann Oak")
    run = s2s("verify", plan, "--json")
    assert (run.code, run.err) == (3, "")
    answer = json.loads(run.out)
    assert not answer["holds"]
    assert "plan.csv was changed after the plan was written: its digest is not the manifest's." in answer["faults"]


def test_what_is_due_for_review_is_named_with_its_row(s2s):
    evidence = EVIDENCE_HEADER + "S1,SLE-2,yes,,2026-05-01\nS1,SLE-1,yes,,2020-05-01\nS2,LLE-1,yes,,\n"
    evidence += "S1,SLE-3,yes,,2020-05-01\n"
    words = (*put(TABLES | {"accreditation": evidence}), *DAY)
    due = [
        "Due for review: Ann Ash (S1): SLE-1 (row 3, 2020-05-01), SLE-3 (row 5, 2020-05-01).",
        "Due for review: Bob Bay (S2): LLE-1 (row 4, no date).",
    ]
    assert s2s("check", *words).out.splitlines()[-2:] == due
    rows = [
        {"row": 3, "supporter_id": "S1", "supporter_name": "Ann Ash", "criterion": "SLE-1", "checked_on": "2020-05-01"},
        {"row": 5, "supporter_id": "S1", "supporter_name": "Ann Ash", "criterion": "SLE-3", "checked_on": "2020-05-01"},
        {"row": 4, "supporter_id": "S2", "supporter_name": "Bob Bay", "criterion": "LLE-1", "checked_on": ""},
    ]
    assert answered(s2s("check", *words, "--json"))["due_for_review"] == rows
    given = (*words[:4], "--accreditation", "accreditation.csv", "--schools-new", "new.csv", *DAY)
    Path("new.csv").write_text(SCHOOLS.replace(",Good", ",Inadequate"), encoding="utf-8")
    assert s2s("accreditation", *given).out.splitlines()[-2:] == due
    answer = answered(s2s("accreditation", *given, "--json"))
    assert answer["due_for_review"] == rows
    assert answer["deployments"] is None
    assert [(one["row"], one["supporter_id"], one["grade_after"], one["change"]) for one in answer["changes"]] == [
        (3, "S2", "Inadequate", "")
    ]


# ---- Ctrl-C --------------------------------------------------------------------------------------------------------

SLOW_SEARCH = """
import sys, time
from matching import cli
from matching.commands import allocate as command
best = command.allocate

def slow(inputs, *, cancel, **options):
    print("searching", flush=True)
    cancel.wait(30)
    if {stubborn}:
        print("stopping", flush=True)
        time.sleep(30)
    return best(inputs, cancel=cancel, **options)

command.allocate = slow
sys.argv = ["s2s", "demo", "--out", "plan"]
cli.main()
"""


def interrupted(folder: Path, *, stubborn: bool) -> tuple[int, str, str]:
    """The demo with a search that goes on until it is interrupted: exit code, output and errors."""
    code = SLOW_SEARCH.format(stubborn=stubborn)
    environment = os.environ | {"PYTHONPATH": str(HERE)}
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        for heard in ["searching\n", *(["stopping\n"] if stubborn else [])]:
            assert process.stdout.readline().decode() == heard
            process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    return process.returncode, out.decode(), err.decode()


def test_ctrl_c_ends_the_search_and_writes_the_best_plan_so_far(tmp_path, s2s):
    code, out, err = interrupted(tmp_path, stubborn=False)
    assert (code, err.splitlines()) == (
        0,
        ["Stopping and writing the best plan so far. Press Ctrl-C again to quit without it."],
    )
    assert "plan written to plan." in out
    assert s2s("verify", str(tmp_path / "plan")).out.endswith("The plan holds.\n")


@pytest.mark.long
def test_a_second_ctrl_c_leaves_without_writing(tmp_path):
    code, _, err = interrupted(tmp_path, stubborn=True)
    assert code == 130
    assert err.splitlines()[-1] == "Stopped; nothing was written."
    assert list(tmp_path.iterdir()) == []


SOLVER_THAT_PRINTS = """
import os, sys
import matching.cli
import matching.__main__
run = matching.cli.main
def noisy():
    os.write(1, b"a line of a solver's own\\n")
    run()
matching.cli.main = noisy
sys.argv[0] = "s2s"
matching.__main__.main()
"""


@pytest.mark.long
def test_what_a_solver_prints_is_not_in_the_output(tmp_path):
    command = [sys.executable, "-c", SOLVER_THAT_PRINTS, "demo", "--out", "plan"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    assert "solver" not in done.stdout
    assert "plan written to plan.\n" in done.stdout


def test_notices_are_printed_with_the_problems(s2s):
    run = s2s("check", *put(TABLES | {"needs": TABLES["needs"].replace("maths", "maffs").replace(",", ";")}))
    assert (run.code, run.out) == (2, "")
    notice, problem, _ = run.err.splitlines()
    assert notice == "Notice: needs.csv: the cells are separated by semicolons."
    assert problem.startswith("needs.csv row 2, focus: 'maffs' is not a known focus.")


def test_today_lists_what_to_do_in_the_file_of_a_round(s2s, tmp_path):
    sources = {name: Source(f"{name}.csv", table.encode()) for name, table in TABLES.items()}
    inputs = read_inputs(sources, as_at=date(2026, 9, 1))
    store = open_store(f"sqlite:///{tmp_path / 'rounds.db'}")
    with closing(store):
        begun = store.create("Autumn", sources, by="Jo")
        (tmp_path / "early.zip").write_bytes(store.export_round(begun.round_id))
        seen = store.save_plan(begun, plan_files(allocate(inputs), inputs), by="Jo")
        about = {"need_id": "N1", "supporter_id": "S1"}
        seen = store.record(seen, [new_event("status", by="Jo", status="approached", **about)])
        Path("round.zip").write_bytes(store.export_round(seen.round_id))
    asked = seen.events[-1].at.date()
    run = s2s("today", "round.zip", "--as-at", (asked + timedelta(days=6)).isoformat())
    assert (
        "[soon] No answer: remind: maths at Alder School (N1), Ann Ash (S1): no answer for 6 days. Remind them."
        in run.out
    )
    assert run.out.count("To be approached") == 2
    assert "S2" not in s2s("today", "round.zip", "--by", "Jo", "--as-at", f"{asked + timedelta(days=6)}").out
    answer = answered(s2s("today", "round.zip", "--json", "--as-at", f"{asked + timedelta(days=11)}"))
    assert (answer["round"], answer["has_plan"]) == ("Autumn", True)
    (first, *_) = answer["lines"]
    assert (first["kind"], first["urgency"], first["days"], first["by"]) == ("ask next", "now", 11, "Jo")
    assert "No plan is accepted yet" in s2s("today", "early.zip").out
    Path("no.zip").write_bytes(b"PK")
    assert s2s("today", "no.zip").code == 2
