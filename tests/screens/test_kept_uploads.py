"""An upload that is not sound yet outlives a reload of the browser, and is erased once no one needs it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import tiny
from test_mending import edit, save, table_of
from test_newer_tables import upload
from test_official_files import sources_of
from test_screens import Visitor, with_tables

from matching.rounds.database import DATABASE_VARIABLE
from matching.rounds.storage import uploads
from matching.rounds.storage.uploads import open_uploads
from matching.ui.steps import CHECK, NEWER, START


@pytest.fixture(autouse=True)
def database(tmp_path, monkeypatch) -> str:
    address = f"sqlite:///{tmp_path / 'rounds.db'}"
    monkeypatch.setenv(DATABASE_VARIABLE, address)
    return address


BROKEN = tiny.NEEDS.replace("maths", "nonsense").replace("headship", "nonsense too")


def half_mended() -> Visitor:
    visitor = with_tables(needs=BROKEN)
    edit(visitor, "needs", "focus", 0, "maths")
    save(visitor)
    assert "There is 1 problem in your files" in visitor.words()
    return visitor


def test_after_a_reload_an_upload_goes_on_with_its_mended_cells():
    half_mended()
    reloaded = Visitor(CHECK)
    assert "Go on with an upload" in reloaded.words()
    reloaded.press("Go on")
    assert "There is 1 problem in your files" in reloaded.words()
    assert "Download the corrected needs.csv" in reloaded.downloads()
    edit(reloaded, "needs", "focus", 0, "headship")
    save(reloaded)
    assert reloaded.figure("Problems found") == "0"
    assert [row["focus"] for row in table_of(reloaded, "needs")] == ["maths", "headship", "phonics"]
    assert open_uploads().list() == ()


def test_an_upload_is_offered_on_the_first_screen_and_can_be_thrown_away():
    half_mended()
    later = Visitor()
    assert "schools.csv and supporters.csv, last changed on" in later.words().replace("needs.csv, ", "")
    later.press("Throw away")
    assert "Go on with an upload" not in later.words()
    assert open_uploads().list() == ()


def test_discarded_files_are_erased_also_from_the_database_file(database):
    visitor = with_tables(needs=BROKEN)
    visitor.press("Discard these files")
    assert open_uploads().list() == ()
    assert "nonsense too" not in "".join(map(str, _tables_of(database)))


def _tables_of(address: str) -> list[bytes]:

    path = Path(address.removeprefix("sqlite:///"))
    return [one.read_bytes() for one in path.parent.glob("rounds.db*")]


def test_an_upload_is_not_kept_for_ever(monkeypatch):
    half_mended()

    class Later(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(UTC) + timedelta(days=15)

    monkeypatch.setattr(uploads, "datetime", Later)
    assert "Go on with an upload" not in Visitor().words()
    assert open_uploads().list() == ()


@pytest.mark.long
@pytest.mark.parametrize("screen", [START, NEWER], ids=["start", "newer tables"])
def test_newer_tables_that_wait_to_be_accepted_outlive_a_reload_too(screen):
    visitor = with_tables()
    visitor.make_plan()
    upload(visitor, needs=tiny.NEEDS.replace("maths", "phonics"))
    assert visitor.title == "Newer tables"
    reloaded = Visitor(screen, round=visitor.round_id)
    assert "No newer table waits" not in reloaded.words()
    reloaded.press("Go on")
    assert reloaded.title == NEWER.title
    reloaded.press("Accept all")
    assert b"N1,100000,phonics" in sources_of(reloaded)["needs"].content
    assert open_uploads().list() == ()


def test_a_second_upload_takes_the_place_of_the_first():
    visitor = half_mended()
    visitor.go(START)
    visitor.upload(needs=BROKEN.replace("nonsense", "gibberish"))
    visitor.press("Check the files")
    assert len(open_uploads().list()) == 1
    visitor.press("Discard these files")
    assert open_uploads().list() == ()


def test_newer_tables_take_the_place_of_those_that_waited():
    visitor = with_tables()
    visitor.make_plan()
    for focus in ("phonics", "headship"):
        upload(visitor, needs=tiny.NEEDS.replace("maths", focus))
    assert len(open_uploads().list()) == 1
    visitor.press("Accept all")
    assert open_uploads().list() == ()
    assert b"N1,100000,headship" in sources_of(visitor)["needs"].content


def test_an_upload_is_not_offered_in_the_tab_that_works_on_it():
    visitor = half_mended()
    visitor.go(START)
    assert "Go on with an upload" not in visitor.words()


def test_an_upload_thrown_away_in_one_tab_is_not_kept_again_by_another():
    visitor = half_mended()
    Visitor().press("Throw away")
    edit(visitor, "needs", "focus", 0, "nonsense as well")
    save(visitor)
    assert "There is 1 problem in your files" in visitor.words()
    assert open_uploads().list() == ()
