"""Files for download: the server keeps each one until the browser has had time to fetch it."""

import threading
from functools import partial

from streamlit.runtime.media_file_storage import MediaFileKind
from streamlit.runtime.memory_media_file_storage import MemoryMediaFileStorage
from streamlit.web.server import server


class LingeringFiles(MemoryMediaFileStorage):
    """Streamlit's files in memory, each kept for a while after Streamlit deletes it.

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
        self._leaving: dict[str, threading.Timer] = {}
        self._lock = threading.Lock()

    def load_and_get_id(
        self, path_or_data: str | bytes, mimetype: str, kind: MediaFileKind, filename: str | None = None
    ) -> str:
        """Add a file, also one that was about to be deleted, and return its identifier."""
        with self._lock:
            file_id = super().load_and_get_id(path_or_data, mimetype, kind, filename)
            if timer := self._leaving.pop(file_id, None):
                timer.cancel()
        return file_id

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
                super().delete_file(file_id)


def keep_downloads(kept_s: float) -> None:
    """Have the server that is started next keep its files for a while; Streamlit has no setting for it."""
    server.MemoryMediaFileStorage = partial(LingeringFiles, kept_s=kept_s)  # type: ignore[attr-defined, assignment]
