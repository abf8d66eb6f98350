import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stores import (
    OTHER_FILES,
    SOURCES,
    held,
    opened,
    pin,
    worked_on,
)

from matching.errors import DataError
from matching.plan.as_bytes import zip_bytes
from matching.rounds.round import Round
from matching.rounds.store import RoundStore
from matching.tables.files import Source


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "rounds.db"


@pytest.fixture
def store(path) -> Iterator[RoundStore]:
    with opened(path) as store:
        yield store


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


@settings(max_examples=25)
@given(
    st.text(st.characters(exclude_categories=["Cs"])),
    st.dictionaries(st.sampled_from(list(SOURCES)), st.binary()),
    st.dictionaries(st.text("ab/é.", min_size=1), st.binary(), min_size=1),
)
def test_any_round_travels(tmp_path_factory, name, contents, files):
    sources = {table: Source(name, content) for table, content in contents.items()}
    with opened(tmp_path_factory.getbasetemp() / "any.db") as store:
        begun = store.save_plan(store.create(name, sources, by=name), files, why=name)
        restored = store.import_round(store.export_round(begun.round_id))
        assert (restored.name, restored.sources, restored.files) == (name, sources, files)
        assert restored.events[:-1] == begun.events


def repacked(packed: bytes, change) -> bytes:
    """The zip of a round with something changed in what it says of the round."""
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    index = json.loads(files["round.json"])
    change(index)
    return zip_bytes(files | {"round.json": json.dumps(index).encode()})


@pytest.mark.parametrize(
    "change",
    [
        lambda index: index.pop("events"),
        lambda index: index.update(surprise=1),
        lambda index: index.update(round_id="../../x"),
        lambda index: index.update(current=9),
        lambda index: index.update(approved=1),
        lambda index: index["events"].pop(1),
        lambda index: index["events"][1].update(kind="shrug"),
        lambda index: index["events"][1]["about"].pop("need_id"),
        lambda index: index["events"][1]["about"].update(supporter_id="=1"),
        lambda index: index["events"][1].update(undoes=1),
        lambda index: index["events"][3].update(undoes=4),
        lambda index: index["events"][3].update(undoes=None),
        lambda index: index["events"][4]["about"].update(after="²"),
        lambda index: index["events"][1].update(at="yesterday"),
        lambda index: index["plans"][0].update(number=2),
        lambda index: index["plans"][0].update(after=99),
        lambda index: index["plans"][0]["files"].append(index["plans"][0]["files"][0]),
        lambda index: index["plans"][0]["files"][0].update(sha256="0" * 64),
        lambda index: index["sources"].append(index["sources"][0]),
    ],
)
def test_a_file_that_does_not_agree_with_itself_is_damaged(store, change):
    packed = store.export_round(worked_on(store).round_id)
    with pytest.raises(DataError, match=r"The file is damaged, so nothing was restored from it\. Download it again"):
        store.import_round(repacked(packed, change))
    assert len(store.list()) == 1


def test_a_damaged_foreign_newer_or_huge_file_is_said_so(store, monkeypatch):
    packed = store.export_round(worked_on(store).round_id)
    spoilt = bytearray(packed)
    spoilt[len(packed) // 2] ^= 0xFF
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
        (zip_bytes({"round.json": bytes(257 * 1024**2)}), "The file unpacks to more than a round may be"),
    ):
        with pytest.raises(DataError, match=message):
            store.import_round(content)
    assert len(store.list()) == 1


@pytest.fixture(scope="module")
def travelled(tmp_path_factory) -> Iterator[tuple[RoundStore, Round, bytes]]:
    """A store, a round of it, and that round as a file."""
    with opened(tmp_path_factory.mktemp("damage") / "rounds.db") as store:
        original = worked_on(store)
        yield store, original, store.export_round(original.round_id)


@settings(max_examples=40)
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
