"""Files for download: kept until the browser that asked has had time to fetch them, and given to no other."""

import threading
from functools import partial

from streamlit.runtime import memory_media_file_storage
from streamlit.runtime.media_file_storage import MediaFileKind, MediaFileStorageError
from streamlit.runtime.memory_media_file_storage import MemoryFile, MemoryMediaFileStorage

from matching.ui.browser import this_browser


class FilesByBrowser(MemoryMediaFileStorage):
    """Streamlit's files in memory, each for the browsers that asked for it, and kept for a while after its deletion.

    Streamlit serves a file to all who have its address, which is a hash of its contents.

    A file that is made on request belongs to no screen. Streamlit 1.67 deletes it as soon as any two screens of the
    server are drawn, in whatever browser; with several users that can be before the right browser has fetched it.

    Parameters
    ----------
    media_endpoint : str
        The address under which Streamlit serves files.
    kept_s : float
        In seconds.
    """

    def __init__(self, media_endpoint: str, kept_s: float) -> None:
        super().__init__(media_endpoint)
        self._kept_s = kept_s
        self._askers: dict[str, set[str]] = {}
        self._leaving: dict[str, threading.Timer] = {}
        self._lock = threading.Lock()

    def load_and_get_id(
        self, path_or_data: str | bytes, mimetype: str, kind: MediaFileKind, filename: str | None = None
    ) -> str:
        """Add a file for this browser, also one that was about to be deleted, and return its identifier."""
        with self._lock:
            file_id = super().load_and_get_id(path_or_data, mimetype, kind, filename)
            self._askers.setdefault(file_id, set()).add(this_browser())
            if timer := self._leaving.pop(file_id, None):
                timer.cancel()
        return file_id

    def get_file(self, filename: str) -> MemoryFile:
        """Return a file by its identifier and extension.

        Raises
        ------
        MediaFileStorageError
            There is no such file, or this browser did not ask for it.
        """
        found = super().get_file(filename)
        if this_browser() not in self._askers.get(filename.partition(".")[0], ()):
            raise MediaFileStorageError(f"No file '{filename}' for this browser.")
        return found

    def delete_file(self, file_id: str) -> None:
        """Delete a file after a while."""
        with self._lock:
            if file_id not in self._leaving:
                timer = self._leaving[file_id] = threading.Timer(self._kept_s, self._drop, [file_id])
                timer.daemon = True
                timer.start()

    def _drop(self, file_id: str) -> None:
        with self._lock:
            # The file may have been added again while this waited for the lock.
            if self._leaving.get(file_id) is threading.current_thread():
                del self._leaving[file_id]
                self._askers.pop(file_id, None)
                super().delete_file(file_id)


def keep_downloads(kept_s: float) -> None:
    """Have the server that is started next keep its files like this; Streamlit has no setting for it."""
    storage = partial(FilesByBrowser, kept_s=kept_s)
    memory_media_file_storage.MemoryMediaFileStorage = storage  # type: ignore[misc, assignment]
