"""Directories and files that are written whole or not at all, whatever happens meanwhile.

New content is put together next to its target, under a name that ends in random letters, and then takes its place in
one step. What a killed run left there is removed by the next one; what a living run is writing is locked, and stays.
"""

import ctypes
import errno
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from matching.errors import DataError, Problem, first_ten

try:
    import fcntl
except ImportError:  # not a Unix system
    _CAN_LOCK = False
else:
    _CAN_LOCK = True

PLAN_MARK = "manifest.json"

# Without locks, no run takes as long as this between two files.
_ABANDONED_AFTER_S = 24 * 3600


def write_directory(target: Path, files: Mapping[str, bytes], *, mark: str = PLAN_MARK) -> None:
    """Put files in a directory so that a reader sees the old ones or the new ones, never some of each.

    Parameters
    ----------
    files : mapping of str to bytes
        By their paths in the directory; `mark` is one of them.
    mark : str
        The file that distinguishes a directory that may be replaced from one that holds the user's own files. Beside
        another mark than a plan's there may be no file that is not replaced.

    Raises
    ------
    DataError
        The target holds other files, or cannot be written.
    """
    target = target.absolute()
    check_target(target, mark=mark)
    if mark != PLAN_MARK:
        _refuse_to_delete(target, files)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(target)
        with _workplace(target) as fresh:
            for name, content in files.items():
                _write_durably(fresh / name, content)
            fresh.chmod(0o755)
            _swap(fresh, target)
    except OSError as error:
        message = f"The plan cannot be written here ({(error.strerror or 'no reason given').lower()})."
        fix = "Check the path, the free space and your rights."
        raise DataError([Problem(str(target), None, "", "", message, fix)]) from error


def check_target(target: Path, *, mark: str = PLAN_MARK) -> None:
    """Refuse a directory that holds files and not `mark` among them, before any work is done.

    Raises
    ------
    DataError
    """
    what, earlier = ("a plan", "with a plan") if mark == PLAN_MARK else ("the tables", "made by this command")
    if target.is_dir() and any(target.iterdir()) and not (target / mark).is_file():
        message = f"The directory holds other files, and {what} would replace them."
        raise DataError([Problem(str(target), None, "", "", message, f"Name a new directory, or one {earlier}.")])
    if target.exists() and not target.is_dir():
        raise DataError([Problem(str(target), None, "", "", "This is a file.", f"Name a directory for {what}.")])


def _refuse_to_delete(target: Path, files: Mapping[str, bytes]) -> None:
    """Refuse a directory with files of the user's own next to those that are replaced."""
    there = (path.relative_to(target).as_posix() for path in target.rglob("*") if not path.is_dir())
    own = sorted(name for name in there if name not in files)
    if own:
        message = f"The directory also holds {first_ten(own)}, which would be deleted."
        fix = "Move these files away, or name a new directory."
        raise DataError([Problem(str(target), None, "", "", message, fix)])


def write_files(files: Mapping[Path, bytes]) -> None:
    """Write files, all or none; of each a reader sees the old content or the new content.

    Raises
    ------
    OSError
    """
    with ExitStack() as stack:
        ready = {}
        for path, content in files.items():
            target = path.absolute()
            if target.is_dir():
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
            target.parent.mkdir(parents=True, exist_ok=True)
            _remove_abandoned(target)
            ready[target] = stack.enter_context(_workplace(target)) / target.name
            _write_durably(ready[target], content)
        for target, written in ready.items():
            written.replace(target)


def _write_durably(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


# ---- the place where new content is put together -------------------------------------------------------------------


@contextmanager
def _workplace(target: Path) -> Iterator[Path]:
    """Make a directory next to the target, locked while it is used, and remove what is left of it afterwards."""
    while True:
        fresh = Path(tempfile.mkdtemp(prefix=f".{target.name}.writing-", dir=target.parent))
        with _locked(fresh, wait=True) as is_ours:
            # Another run may have taken it for abandoned before it was locked.
            if not is_ours:
                continue
            try:
                yield fresh
            finally:
                shutil.rmtree(fresh, ignore_errors=True)
            return


@contextmanager
def _locked(directory: Path, *, wait: bool) -> Iterator[bool]:
    """Lock a directory, and give whether it is there and no other process holds it; the lock ends with this process."""
    if not _CAN_LOCK:
        yield directory.exists()
        return
    try:
        descriptor = os.open(directory, os.O_RDONLY)
    except FileNotFoundError:
        yield False
        return
    try:
        yield (
            _take_lock(descriptor, wait=wait)
            and directory.exists()
            and os.path.samestat(os.fstat(descriptor), directory.stat())
        )
    finally:
        os.close(descriptor)


def _take_lock(descriptor: int, *, wait: bool) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        # Another process holds it, or this file system has no locks.
        return wait
    return True


def _remove_abandoned(target: Path) -> None:
    """Remove what killed runs left of this target: copies of people's data that are in use nowhere."""
    name = re.compile(rf"\.{re.escape(target.name)}\.writing-[a-z0-9_]{{8}}(\.old)?")
    for left in [path for path in target.parent.iterdir() if name.fullmatch(path.name)]:
        with suppress(OSError), _locked(left, wait=False) as is_abandoned:
            if not is_abandoned or (not _CAN_LOCK and time.time() - left.stat().st_mtime < _ABANDONED_AFTER_S):
                continue
            if left.suffix == ".old" and not target.exists():
                left.rename(target)  # the run was killed between its two renames: this is the only plan
            else:
                shutil.rmtree(left, ignore_errors=True)


# ---- taking the target's place -------------------------------------------------------------------------------------


def _swap(fresh: Path, target: Path) -> None:
    """Make `fresh` the target in one step; what was there before is then at `fresh`."""
    if not target.exists():
        fresh.rename(target)
        return
    if _exchange(fresh, target):
        return
    # Without an atomic exchange it takes two renames; the old plan is put back if the second fails.
    aside = fresh.with_name(fresh.name + ".old")
    with _locked(target, wait=True):
        target.rename(aside)
        try:
            fresh.rename(target)
        except BaseException:
            aside.rename(target)
            raise
        shutil.rmtree(aside, ignore_errors=True)


def _exchange(one: Path, other: Path) -> bool:
    """Exchange two directories atomically, where the operating system can."""
    calls = {"linux": ("renameat2", -100, 2), "darwin": ("renameatx_np", -2, 2)}
    if sys.platform not in calls:
        return False
    name, here, swap = calls[sys.platform]
    call = getattr(ctypes.CDLL(None, use_errno=True), name, None)
    return call is not None and call(here, os.fsencode(one), here, os.fsencode(other), swap) == 0
