"""Files that are made when they are asked for stay until the browser has come for them."""

import time

import pytest
from streamlit.runtime.media_file_storage import MediaFileKind, MediaFileStorageError
from streamlit.runtime.memory_media_file_storage import MemoryMediaFileStorage

from matching.ui.widgets.downloads import FilesByBrowser


def put(files: FilesByBrowser) -> str:
    return files.load_and_get_id(b"a,b\n", "text/csv", MediaFileKind.DOWNLOADABLE, "plan.csv")


def is_gone(files: FilesByBrowser, file_id: str, *, within_s: float = 5.0) -> bool:
    last = time.monotonic() + within_s
    while time.monotonic() < last:
        try:
            files.get_file(f"{file_id}.csv")
        except MediaFileStorageError:
            return True
        time.sleep(0.01)
    return False


def test_a_file_that_is_let_go_stays_a_while_and_then_leaves():
    files = FilesByBrowser("/media", kept_s=0.3)
    file_id = put(files)
    files.delete_file(file_id)
    assert files.get_file(f"{file_id}.csv").content == b"a,b\n"
    assert is_gone(files, file_id)


def test_a_file_that_is_asked_for_again_while_it_leaves_stays():
    files = FilesByBrowser("/media", kept_s=0.1)
    file_id = put(files)
    files.delete_file(file_id)
    files.delete_file(file_id)
    assert put(files) == file_id
    assert not is_gone(files, file_id, within_s=0.4)
    files.delete_file(file_id)
    assert is_gone(files, file_id)


def test_what_is_not_there_can_be_let_go():
    files = FilesByBrowser("/media", kept_s=0.0)
    files.delete_file("nothing")
    with pytest.raises(MediaFileStorageError):
        files.get_file("nothing.csv")


def test_the_server_takes_it_for_its_own_kind():
    assert issubclass(FilesByBrowser, MemoryMediaFileStorage)
