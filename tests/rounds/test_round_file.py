import io
import json
import re
import tracemalloc
import warnings
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from depth import cases
from hypothesis import given
from hypothesis import strategies as st
from stores import (
    FILES,
    OTHER_FILES,
    SOURCES,
    held,
    opened,
    pin,
    worked_on,
)
from tiny import NEEDS

from matching.errors import DataError
from matching.plan.as_bytes import zip_bytes
from matching.rounds.history.events import RowChange, new_event
from matching.rounds.history.state import live_supporters, state_of
from matching.rounds.history.table import history_csv, history_table
from matching.rounds.round import Round
from matching.rounds.store import RoundStore
from matching.tables.files import Source
from matching.ui.formatting.words import event_sentence


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "rounds.db"


@pytest.fixture
def store(path) -> Iterator[RoundStore]:
    with opened(path) as store:
        yield store


@pytest.fixture(scope="module")
def travelled(tmp_path_factory) -> Iterator[tuple[RoundStore, Round, bytes]]:
    """A store, a round of it, and that round as a file."""
    with opened(tmp_path_factory.mktemp("damage") / "rounds.db") as store:
        original = living(store)
        yield store, original, store.export_round(original.round_id)


# To a file and back


def test_a_round_is_restored_on_another_machine_to_the_byte(store, tmp_path):
    original = store.approve(worked_on(store), OTHER_FILES)
    packed = store.export_round(original.round_id)
    assert store.export_round(original.round_id) == packed
    with opened(tmp_path / "elsewhere.db") as elsewhere:
        restored = elsewhere.import_round(packed, by="Al")
        assert held(elsewhere, original.round_id) == restored
        for number in (1, 2, 3):
            there, here = (one.plan_files(original.round_id, number) for one in (elsewhere, store))
            assert zip_bytes(there) == zip_bytes(here)
        assert restored.events[:-1] == original.events
        last = restored.events[-1]
        assert (last.kind, last.by, last.about) == ("restored", "Al", {"from": "file", "round": original.round_id})
        for name in ("name", "created_at", "sources", "files", "plans", "current", "approved", "added_at"):
            assert getattr(restored, name) == getattr(original, name)
        assert elsewhere.record(elsewhere.reopen(restored), [pin("N3")]).events[-1].kind == "pin"


def test_a_round_that_is_here_already_is_restored_beside(store):
    original = store.archive(worked_on(store))
    restored = store.import_round(store.export_round(original.round_id))
    assert restored.round_id != original.round_id
    assert held(store, original.round_id) == original
    assert [one.round_id for one in store.list()] == [restored.round_id]
    with pytest.raises(DataError, match="There is no such round in the database"):
        store.export_round("0123456789abcdef")


@cases(25)
@given(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=200).filter(str.strip),
    st.dictionaries(st.sampled_from(list(SOURCES)), st.binary()),
    st.dictionaries(st.from_regex(r"[ab é]{1,3}(/[ab é]\.?[a-c])*", fullmatch=True), st.binary()),
)
def test_any_round_travels(tmp_path_factory, name, contents, more):
    sources = {table: Source(f"é {table}.csv", content) for table, content in contents.items()}
    files = FILES | more
    with opened(tmp_path_factory.getbasetemp() / "any.db") as store:
        begun = store.save_plan(store.create(name, sources, by=name), files, why=name)
        restored = store.import_round(store.export_round(begun.round_id))
        assert (restored.name, restored.sources, restored.files) == (name, sources, files)
        assert restored.events[:-1] == begun.events


def members(packed: bytes) -> dict[str, bytes]:
    """The files in a zip."""
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def repacked(packed: bytes, change: Callable[[dict[str, Any]], object]) -> bytes:
    """The zip of a round with something changed in its index."""
    files = members(packed)
    index = json.loads(files["round.json"])
    change(index)
    return zip_bytes(files | {"round.json": json.dumps(index).encode()})


def living(store: RoundStore) -> Round:
    """A round whose rows and whose files were changed too."""
    latest = worked_on(store)
    latest = store.save_sources(latest, {**latest.sources, "needs": Source("may.csv", NEEDS.encode())}, by="Jo")
    focus = (RowChange("needs", ("N1",), {"days": "2"}, {"days": "3"}),)
    return store.record(latest, [replace(new_event("need_changed", by="Jo"), changes=focus)])


def changed_row(index: dict[str, Any], **parts: object) -> None:
    """Change a part of the change of a row."""
    index["events"][-1]["changes"][0].update(parts)


DAMAGES = {
    "events: Field required": lambda index: index.pop("events"),
    "surprise: Extra inputs": lambda index: index.update(surprise=1),
    "round_id: String should match": lambda index: index.update(round_id="../../x"),
    "Its format is '0', and a format is a whole number from 1 on": lambda index: index.update(format=0),
    "Its format is '-1'": lambda index: index.update(format=-1),
    "Its format is 'True'": lambda index: index.update(format=True),
    "Its format is '2.0'": lambda index: index.update(format=2.0),
    "Its format is 'second'": lambda index: index.update(format="second"),
    "The accepted plan, 9, is not in it": lambda index: index.update(current=9),
    "The accepted plan, 0, is not in it": lambda index: index.update(current=0),
    "The approved version, 1, is not in it": lambda index: index.update(approved=1),
    "current: .* less than or equal to": lambda index: index.update(current=10**40),
    "copied_from: String should match": lambda index: index.update(copied_from="elsewhere"),
    "created_at: the year 1 is not between 1970 and 2999": lambda index: index.update(
        created_at="0001-01-01T00:00:00+14:00"
    ),
    "created_at: the year 9999 is not": lambda index: index.update(created_at="9999-12-31T23:59:59-12:00"),
    "created_at: .* timezone": lambda index: index.update(created_at="2026-01-01T00:00:00"),
    "numbered from 1 on": lambda index: index["events"].pop(1),
    "events are not numbered from 1": lambda index: index["events"].clear(),
    "events are not numbered": lambda index: index["events"][0].update(number=0),
    "events.0.number: .* less than": lambda index: index["events"][0].update(number=10**40),
    "events.1.number: .* greater than": lambda index: index["events"][1].update(number=-1),
    "Event 2 is of an unknown kind, 'shrug'": lambda index: index["events"][1].update(kind="shrug"),
    "Event 2: The need or the supporter is missing": lambda index: index["events"][1]["about"].pop("need_id"),
    "Event 2: '=1' cannot be used as an identifier": lambda index: index["events"][1]["about"].update(
        supporter_id="=1"
    ),
    "Event 2 undoes another, but is no undo": lambda index: index["events"][1].update(undoes=1),
    "Event 1 undoes another, but is no undo": lambda index: index["events"][0].update(undoes=1),
    "Event 4 undoes event 4, which does not come before": lambda index: index["events"][3].update(undoes=4),
    "Event 4 undoes event 6, which does not come before": lambda index: index["events"][3].update(undoes=6),
    "Event 4 undoes event 0, which does not come before": lambda index: index["events"][3].update(undoes=0),
    "Event 4 undoes event None": lambda index: index["events"][3].update(undoes=None),
    "Event 4 undoes event 1, which cannot be undone": lambda index: index["events"][3].update(undoes=1),
    "Event 5 accepts a plan that takes account of a later": lambda index: index["events"][4]["about"].update(after="²"),
    "Event 5 accepts a plan that takes": lambda index: index["events"][4]["about"].update(after="5"),
    "Event 5 accepts a plan that is not in it": lambda index: index["events"][4]["about"].update(plan="9"),
    "events.1.at: ": lambda index: index["events"][1].update(at="yesterday"),
    "events.1.at: the year 9999": lambda index: index["events"][1].update(at="9999-12-31T23:59:59Z"),
    "events.1.why: .* at most 4000 characters": lambda index: index["events"][1].update(why="x" * 1_000_000),
    "events.0.about.name: .* at most 4000": lambda index: index["events"][0]["about"].update(name="x" * 1_000_000),
    "plans are not numbered": lambda index: index["plans"][0].update(number=2),
    "Plan 1 takes account of event 99": lambda index: index["plans"][0].update(after=99),
    "plans.0.after: .* less than": lambda index: index["plans"][0].update(after=10**40),
    "plans.1.made_at: the year 1 ": lambda index: index["plans"][1].update(made_at="0001-01-01T00:00:00Z"),
    "plans.1.name: .* at most 4000": lambda index: index["plans"][1].update(name="x" * 1_000_000),
    "Plan 1 has a file twice": lambda index: index["plans"][0]["files"].append(index["plans"][0]["files"][0]),
    "Plan 1 lacks its file plan.csv": lambda index: index["plans"][0]["files"].clear(),
    "Plan 2 lacks its file manifest.json": lambda index: index["plans"][1].update(
        files=[one for one in index["plans"][1]["files"] if one["name"] != "manifest.json"]
    ),
    "lacks the content of a file": lambda index: index["plans"][0]["files"][0].update(sha256="0" * 64),
    "A table is in it twice": lambda index: index["sources"].append(index["sources"][0]),
    "'secrets' is not a table": lambda index: index["sources"][0].update(table="secrets"),
    "cannot be the name of a file": lambda index: index["sources"][0].update(name="../needs.csv"),
    "Event 10 changes a row of 'schools', which cannot be changed row by row": lambda index: changed_row(
        index, table="schools"
    ),
    "Event 10 changes a row of 'secrets', which cannot": lambda index: changed_row(index, table="secrets"),
    "Event 10 names a row of needs by 'N1;N2' in place of need_id": lambda index: changed_row(index, key=["N1", "N2"]),
    "Event 10 names a row of needs by '' in place of need_id": lambda index: changed_row(index, key=[]),
    "Event 10 changes nothing in a row": lambda index: changed_row(index, before=None, after=None),
    "Event 10 gives a row of needs another key": lambda index: changed_row(
        index, before={"need_id": "N1"}, after={"need_id": "N2"}
    ),
    "Event 10 changes other cells of 'N1' than it names": lambda index: changed_row(index, after={"focus": "art"}),
    "Event 10 has a cell that no table can hold": lambda index: changed_row(index, after={"days": "\x00"}),
    "Event 10 changes a row twice": lambda index: index["events"][9]["changes"].append(
        index["events"][9]["changes"][0]
    ),
    "Event 10: Nothing would be changed": lambda index: index["events"][9]["changes"].clear(),
    "Event 2: A decision changes no table": lambda index: index["events"][1].update(
        changes=index["events"][9]["changes"]
    ),
    "Event 1 changes rows, which its kind does not": lambda index: index["events"][0].update(
        changes=index["events"][9]["changes"]
    ),
    "events.9.changes.0.key: Input should be a valid": lambda index: changed_row(index, key="N1"),
    "events.9.changes.0.after.days: Input should be a valid string": lambda index: changed_row(
        index, after={"days": 1}
    ),
    "events.9.changes.0.after.days: .* at most 4000": lambda index: changed_row(index, after={"days": "1" * 4_001}),
    "Event 2 gives no files": lambda index: index["event_files"][0].update(event=2),
    "Event 99 gives no files": lambda index: index["event_files"][0].update(event=99),
    "Event 0 gives no files": lambda index: index["event_files"][0].update(event=0),
    "Event 10 gives no files": lambda index: index["event_files"][0].update(event=10),
    "An event gives a file twice": lambda index: index["event_files"].append(index["event_files"][0]),
    "'secrets' is not a table of a round": lambda index: index["event_files"][0].update(table="secrets"),
    "'../needs.csv' cannot be the name": lambda index: index["event_files"][0].update(name="../needs.csv"),
    "event_files.0.sha256: String should match": lambda index: index["event_files"][0].update(sha256="x"),
    "lacks the content of a": lambda index: index["event_files"][0].update(sha256="1" * 64),
    "The accepted plan, 2, is not the one that its history accepts": lambda index: index.update(current=2),
    "The accepted plan, None, is not the one that its history": lambda index: index.update(current=None),
    "The accepted plan, 1, is not the one that its history": lambda index: index["events"][4].update(kind="named"),
}
"""By what a file then says: changes of the index of `living`."""


@pytest.mark.parametrize("fault", DAMAGES)
def test_a_file_that_does_not_agree_with_itself_is_damaged(travelled, fault):
    store, _, packed = travelled
    before = len(store.list())
    with pytest.raises(DataError, match="The file is damaged, so nothing was restored from it: ") as caught:
        store.import_round(repacked(packed, DAMAGES[fault]))
    (problem,) = caught.value.problems
    assert re.search(fault, problem.message)
    assert problem.fix == "Download it again where it was made."
    assert len(problem.message) < 400
    assert len(store.list()) == before


@pytest.mark.parametrize(
    "place",
    [
        "../plan.csv",
        "inputs/../../x",
        "/etc/passwd",
        "C:/x",
        "c:x",
        "a\\b",
        "..\\x",
        "a//b",
        "./x",
        "",
        "inputs/",
        "a\x00b",
    ],
)
def test_a_path_that_leaves_the_directory_of_a_plan_is_refused(travelled, place):
    store, _, packed = travelled
    damaged = repacked(packed, lambda index: index["plans"][0]["files"][3].update(name=place))
    with pytest.raises(DataError, match=r"whose path does not stay in the plan's directory|lacks its file"):
        store.import_round(damaged)

    def add(index: dict[str, Any]) -> None:
        index["plans"][0]["files"].append(index["plans"][0]["files"][0] | {"name": place})

    with pytest.raises(
        DataError, match=r"Plan 1 has the file '.*', whose path does not stay in the plan's directory\."
    ):
        store.import_round(repacked(packed, add))
    assert len(store.list()) == 1


@pytest.mark.parametrize(
    ("name", "words"), [("x" * 1_000_000, "has 1,000,000 characters"), ("", "blank"), (" ", "blank")]
)
def test_a_round_has_a_name_of_up_to_200_characters(store, name, words):
    begun = worked_on(store)
    file = repacked(store.export_round(begun.round_id), lambda index: index.update(name=name))
    for attempt in (
        lambda: store.create(name, {}),
        lambda: store.copy(begun.round_id, name),
        lambda: store.rename(begun, name),
        lambda: store.import_round(file),
    ):
        with pytest.raises(DataError, match=f"The name of the round (is|has) .*{words.split()[-1]}"):
            attempt()
    assert [one.name for one in store.list()] == ["Autumn"]


def test_no_text_of_a_round_is_longer_than_its_file_may_hold(store):
    begun = store.create("Autumn", SOURCES)
    for attempt in (
        lambda: store.save_plan(begun, FILES, why="x" * 4_001),
        lambda: store.save_scenario(begun, "x" * 4_001, FILES),
        lambda: store.archive(begun, by="x" * 4_001),
    ):
        with pytest.raises(DataError, match=r"A text has 4,001 characters, and the limit is 4,000\. Shorten it"):
            attempt()
    longest = store.save_scenario(begun, "x" * 4_000, FILES, by="x" * 4_000, why="x" * 4_000)
    assert store.import_round(store.export_round(begun.round_id)).events[:-1] == longest.events


def test_a_round_whose_tables_changed_travels_with_its_changes(store, tmp_path):
    original = living(store)
    with opened(tmp_path / "elsewhere.db") as elsewhere:
        restored = elsewhere.import_round(store.export_round(original.round_id))
        assert held(elsewhere, original.round_id) == restored
        for name in ("sources", "given", "files", "plans", "current", "added_at"):
            assert getattr(restored, name) == getattr(original, name)
        assert elsewhere.undo(restored, 10, 9).sources == SOURCES


def test_the_history_of_an_earlier_format_decides_which_plan_is_accepted(store):
    original = worked_on(store)

    def as_format_2(index: dict) -> None:
        index.update(format=2, current=2)
        del index["event_files"]

    restored = store.import_round(repacked(store.export_round(original.round_id), as_format_2))
    assert held(store, restored.round_id) == restored
    assert (restored.current, restored.files) == (1, FILES)


def zipped(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED, twice: str = "") -> bytes:
    """A zip as another program might make it."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", method) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, one in [*files.items(), *((one, files[one]) for one in [twice] if one)]:
            archive.writestr(name, one)
    return content.getvalue()


def test_a_zip_that_is_not_as_this_program_makes_it_is_refused(store):
    files = members(store.export_round(worked_on(store).round_id))
    content = next(name for name in files if name != "round.json")
    assert store.import_round(zipped(files)).name == "Autumn"
    for file, words in (
        (zipped(files, twice="round.json"), "It holds a file twice"),
        (zipped(files, twice=content), "It holds a file twice"),
        (zipped(files, zipfile.ZIP_BZIP2), "packed in another way"),
        (zipped(files, zipfile.ZIP_LZMA), "packed in another way"),
        (zipped(files | {content: b"other"}), "not the one that was saved"),
        (zipped({name: one for name, one in files.items() if name != content}), "lacks the content of a file"),
    ):
        with pytest.raises(DataError, match=f"so nothing was restored from it: .*{words}"):
            store.import_round(file)
    assert len(store.list()) == 2


def test_a_zip_bomb_is_refused_before_it_fills_the_memory(store):
    files = members(store.export_round(worked_on(store).round_id))
    content = next(name for name in files if name != "round.json")
    bomb = bytearray(zipped(files | {content: bytes(200 * 1024**2)}))
    # The directory at the end of the zip states 10 bytes in place of 200 MB.
    for place in [one.start() for one in re.finditer(re.escape((200 * 1024**2).to_bytes(4, "little")), bomb)]:
        bomb[place : place + 4] = (10).to_bytes(4, "little")
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match="The file is damaged"):
            store.import_round(bytes(bomb))
        assert tracemalloc.get_traced_memory()[1] < 10 * 1024**2
    finally:
        tracemalloc.stop()
    assert len(store.list()) == 1


def test_a_damaged_foreign_newer_or_huge_file_is_said_so(store, monkeypatch):
    packed = store.export_round(worked_on(store).round_id)
    spoilt = bytearray(packed)
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        first = archive.infolist()[0]
    # After 30 bytes and its name, a member has its content.
    spoilt[first.header_offset + 30 + len(first.filename) + first.compress_size // 2] ^= 0xFF
    for content, message in (
        (packed[:-30], "The file is damaged"),
        (bytes(spoilt), "The file is damaged"),
        (b"", "The file is not a round"),
        (b"Dear colleague", "The file is not a round"),
        (zip_bytes({"plan.csv": b""}), "The file is not a round"),
        (zip_bytes({"round.json": b"[1]"}), "The file is not a round"),
        (zip_bytes({"round.json": b"["}), "The file is not a round"),
        (
            repacked(packed, lambda index: index.update(format=99, needs_version="")),
            "by a newer version .* Install the newest version",
        ),
        (
            repacked(packed, lambda index: index.update(format=99, needs_version="2.10.0")),
            r"by a newer version .* Install version 2\.10\.0 or later",
        ),
        (repacked(packed, lambda index: index.update(format=99, needs_version="=1")), "Install the newest version"),
        (zip_bytes({"round.json": bytes(65 * 1024**2)}), "The file unpacks to more than a round may be"),
        (zip_bytes({"round.json": b"{}", "x": bytes(257 * 1024**2)}), "The file unpacks to more than a round may be"),
    ):
        with pytest.raises(DataError, match=message):
            store.import_round(content)
    assert len(store.list()) == 1


@cases(40)
@given(st.floats(0, 1, exclude_max=True), st.integers(1, 255))
def test_no_damage_to_a_file_goes_unnoticed(travelled, where, change):
    store, original, packed = travelled
    damaged = bytearray(packed)
    damaged[int(where * len(damaged))] ^= change
    try:
        restored = store.import_round(bytes(damaged))
    except DataError:
        return
    # What a zip says of times and systems may change without harm; the round may not.
    assert (restored.sources, restored.files, restored.events[:-1], restored.plans) == (
        original.sources,
        original.files,
        original.events,
        original.plans,
    )


def test_a_file_of_format_1_is_taken_in(store):
    original = worked_on(store)

    def as_format_1(index: dict) -> None:
        index["format"] = 1
        del index["needs_version"]

    restored = store.import_round(repacked(store.export_round(original.round_id), as_format_1))
    assert (restored.files, restored.events[:-1]) == (original.files, original.events)


# Long histories


def with_long_history(packed: bytes, kinds: Sequence[str], count: int) -> bytes:
    """The zip of a round with this many sound events more, of these kinds in turn; an undo undoes the one before it."""

    def extend(index: dict[str, Any]) -> None:
        events = index["events"]
        for number in range(len(events) + 1, len(events) + count + 1):
            kind = kinds[number % len(kinds)]
            about = {} if kind == "undo" else {"need_id": f"N{number % 1500}", "supporter_id": f"S{number % 1200}"}
            about |= {"status": "agreed"} if kind == "status" else {"text": "Ring them"} if kind == "note" else {}
            cells = {"before": {"notes": ""}, "after": {"notes": "Ring them"}}
            changes = [{"table": "needs", "key": [f"N{number % 1500}"], **cells}] if kind == "need_changed" else []
            undoes = number - 1 if kind == "undo" else None
            event = {"number": number, "at": "2026-09-01T10:00:00Z", "by": "Jo", "kind": kind, "why": "Because"}
            events.append(event | {"about": about, "undoes": undoes, "changes": changes})

    return repacked(packed, extend)


@pytest.mark.parametrize(
    "kinds",
    [("pin", "status", "note", "undo", "declined", "forbid"), ("undo",), ("need_changed", "undo", "need_changed")],
)
def test_a_long_history_opens(store, kinds):
    packed = store.export_round(store.record(store.create("Autumn", SOURCES), [pin()]).round_id)
    restored = store.import_round(with_long_history(packed, kinds, 3_000))
    opened_again = held(store, restored.round_id)
    assert len(history_table(opened_again.events)) == 3_003
    assert state_of(opened_again.events).events == restored.events
    seen = store.record(opened_again, [pin("N2", "S7")])
    assert store.undo(seen, seen.last_event).last_event == 3_005


# Any change


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 12),
    st.sampled_from([10**40, -(10**40), 2**31, 2**63, 2**64, 1e308, -0.5]),
    st.text(max_size=8),
    st.sampled_from(
        [
            "x" * 5_000,
            "../x",
            "undo",
            "pin",
            "plan",
            "declined",
            "0001-01-01T00:00:00Z",
            "9999-12-31T23:59:59-12:00",
        ]
    ),
    st.sampled_from(["N1", "S1", "1", "²", "2026-09-01T10:00:00+02:00", "a" * 16, "0" * 64, "\x00", "=1", "needs"]),
)
JSON_VALUES = st.one_of(
    SCALARS, st.lists(SCALARS, max_size=3), st.dictionaries(st.text(max_size=6), SCALARS, max_size=3)
)


def change_somewhere(data: st.DataObject, index: dict[str, Any]) -> None:
    """Replace, remove, repeat or add one thing anywhere in an index."""
    node: Any = index
    while True:
        keys = sorted(node) if isinstance(node, dict) else list(range(len(node)))
        if not keys:
            break
        key = data.draw(st.sampled_from(keys))
        inner = node[key]
        if not isinstance(inner, dict | list) or not inner or data.draw(st.integers(0, 4)) == 0:
            break
        node = inner
    action = data.draw(st.sampled_from(["replace", "replace", "remove", "repeat", "add"]))
    if action == "replace" and keys:
        node[key] = data.draw(JSON_VALUES)
    elif action == "remove" and keys:
        del node[key]
    elif isinstance(node, dict):
        node[data.draw(st.text(max_size=6))] = data.draw(JSON_VALUES)
    elif keys:
        node.insert(data.draw(st.integers(0, len(node))), node[key] if action == "repeat" else data.draw(JSON_VALUES))


@given(st.data())
def test_any_change_of_a_round_file_ends_in_an_equal_round_or_in_problems(travelled, data):
    store, _, packed = travelled
    file = packed
    for _ in range(data.draw(st.integers(1, 3))):
        file = repacked(file, lambda index: change_somewhere(data, index))
    before = store.list(archived=True)
    try:
        restored = store.import_round(file)
    except DataError as error:
        assert all(one.message and one.fix for one in error.problems)
        assert store.list(archived=True) == before
        return
    assert held(store, restored.round_id) == restored
    for plan in restored.plans:
        assert store.plan_files(restored.round_id, plan.number)
    assert len(history_csv(restored.events).splitlines()) > len(restored.events)
    assert all(event_sentence(one) for one in restored.events)
    live_supporters({"N1": "S1"}, state_of(restored.events))
    again = store.import_round(store.export_round(restored.round_id))
    assert (again.name, again.sources, again.files, again.plans) == (
        restored.name,
        restored.sources,
        restored.files,
        restored.plans,
    )
    assert again.events[:-1] == restored.events
