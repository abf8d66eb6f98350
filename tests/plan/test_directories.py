"""A plan's directory: whole or not at all, whatever happens while it is written."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from matching.errors import DataError
from matching.plan.directories import write_directory, write_files

PLAN = {"manifest.json": b"old", "plan.csv": b"old", "inputs/needs.csv": b"old"}
NEW = dict.fromkeys([*PLAN, "unmet.csv"], b"new")


def held(directory: Path) -> dict[str, bytes]:
    return {p.relative_to(directory).as_posix(): p.read_bytes() for p in directory.rglob("*") if p.is_file()}


def test_files_are_written_and_replaced_whole(tmp_path):
    target = tmp_path / "a" / "plan"
    write_directory(target, PLAN)
    assert held(target) == PLAN
    write_directory(target, {"manifest.json": b"new"})
    assert held(tmp_path) == {"a/plan/manifest.json": b"new"}
    assert [p.name for p in target.parent.iterdir()] == ["plan"]


def test_an_empty_directory_may_be_named(tmp_path):
    write_directory(tmp_path, PLAN)
    assert held(tmp_path) == PLAN


@pytest.mark.parametrize("names", [["notes.txt"], ["plan.csv"], [".hidden"], ["manifest.json/x"]])
def test_a_directory_with_other_files_is_refused_and_left_alone(tmp_path, names):
    for name in names:
        write_files({tmp_path / name: b"mine"})
    before = held(tmp_path)
    with pytest.raises(DataError, match="holds other files"):
        write_directory(tmp_path, NEW)
    assert held(tmp_path) == before


def test_a_file_is_refused(tmp_path):
    (tmp_path / "plan").write_bytes(b"mine")
    with pytest.raises(DataError, match="This is a file"):
        write_directory(tmp_path / "plan", NEW)
    with pytest.raises(DataError):
        write_directory(tmp_path / "plan" / "below", NEW)
    assert held(tmp_path) == {"plan": b"mine"}


def test_the_old_plan_stays_when_a_file_cannot_be_written(tmp_path):
    write_directory(tmp_path / "plan", PLAN)
    with pytest.raises(DataError, match="cannot be written"):
        write_directory(tmp_path / "plan", NEW | {"x" * 300: b"new"})
    assert held(tmp_path) == {f"plan/{name}": content for name, content in PLAN.items()}


@pytest.mark.parametrize("good", range(4))
def test_the_old_plan_stays_when_the_disk_is_full(tmp_path, monkeypatch, good):
    write_directory(tmp_path / "plan", PLAN)
    calls = iter(range(100))

    def fsync(descriptor):
        if next(calls) >= good:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(DataError, match="no space left"):
        write_directory(tmp_path / "plan", NEW)
    assert held(tmp_path) == {f"plan/{name}": content for name, content in PLAN.items()}


def test_the_old_file_stays_when_a_new_one_cannot_be_written(tmp_path, monkeypatch):
    write_files({tmp_path / "one": b"old"})

    def fsync(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(OSError, match="No space"):
        write_files({tmp_path / "one": b"new"})
    assert held(tmp_path) == {"one": b"old"}


WRITER = """
import sys
from dataclasses import replace
from pathlib import Path
from matching.plan.directories import write_directory

target, number = Path(sys.argv[1]), 0
while True:
    number += 1
    names = ["manifest.json", *(f"inputs/{k}" for k in range(12))]
    write_directory(target, dict.fromkeys(names, str(number).encode() * 5000))
    if number == 1:
        print("begun", flush=True)
"""


@pytest.mark.skipif(sys.platform not in ("linux", "darwin"), reason="needs an atomic exchange of directories")
@pytest.mark.parametrize("seed", range(4))
def test_a_writer_that_is_killed_leaves_one_whole_plan(tmp_path, seed):
    target = tmp_path / "plan"
    with subprocess.Popen([sys.executable, "-c", WRITER, str(target)], stdout=subprocess.PIPE) as writer:
        try:
            assert writer.stdout.readline() == b"begun\n"
            time.sleep(random.Random(seed).uniform(0, 0.1))
        finally:
            writer.send_signal(signal.SIGKILL)
    found = held(target)
    assert len(found) == 13
    assert len(set(found.values())) == 1
    write_directory(target, NEW)
    assert held(target) == NEW
    assert [path.name for path in tmp_path.iterdir()] == ["plan"]


STOPPED = """
import os, signal, sys
from pathlib import Path
from matching.plan import directories

fsync = os.fsync

def stop(descriptor):
    fsync(descriptor)
    print("writing", flush=True)
    sys.stdin.readline()

os.fsync = stop
directories.write_directory(Path(sys.argv[1]), {"manifest.json": b"new", "inputs/supporters.csv": b"people"})
"""


@pytest.fixture
def stopped(tmp_path):
    """A process that has written one file of a plan, and waits."""
    command = [sys.executable, "-c", STOPPED, str(tmp_path / "plan")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
        assert writer.stdout.readline() == b"writing\n"
        yield writer
        writer.kill()


@pytest.mark.skipif(sys.platform == "win32", reason="needs locks")
def test_what_a_killed_run_left_is_removed_by_the_next_one_and_what_a_living_one_writes_is_not(tmp_path, stopped):
    theirs = [path for path in tmp_path.iterdir() if path.name != "plan"]
    write_directory(tmp_path / "plan", NEW)
    assert [path for path in tmp_path.iterdir() if path.name != "plan"] == theirs
    assert len(theirs) == 1
    stopped.kill()
    stopped.wait()
    write_directory(tmp_path / "other", NEW)
    assert theirs[0].exists()
    write_directory(tmp_path / "plan", NEW)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other", "plan"]


@pytest.mark.skipif(sys.platform == "win32", reason="needs locks")
def test_a_plan_that_a_killed_run_had_put_aside_is_put_back(tmp_path):
    """Where directories cannot be exchanged, the old plan is for a moment the only one."""
    aside = tmp_path / ".plan.writing-abcd1234.old"
    for name, content in PLAN.items():
        write_files({aside / name: content})
    with pytest.raises(DataError, match="cannot be written"):
        write_directory(tmp_path / "plan", {"x" * 300: b"new"})
    assert held(tmp_path) == {f"plan/{name}": content for name, content in PLAN.items()}


def test_directories_of_the_user_with_similar_names_stay(tmp_path):
    names = [".plan.backup01", ".plan.writing-", ".plan.writing-abcd1234.txt", "plan.writing-abcd1234"]
    for name in names:
        write_files({tmp_path / name / "mine": b"mine"})
    write_directory(tmp_path / "plan", NEW)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*names, "plan"])
