"""A round as a zip: packed with its plans and history, and unpacked elsewhere to the same bytes."""

import hashlib
import io
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from matching.errors import DataError
from matching.plan.as_bytes import zip_bytes
from matching.rounds.round import Round
from matching.rounds.round_file.index import damaged, file_problem, index_of, not_a_round, read_index, round_of
from matching.tables.limits import LIMITS

_INDEX = "round.json"
# Plans bring copies of their inputs, but the same bytes are packed once.
_MOST_PACKED, _MOST_MEMBERS, _LARGEST_INDEX = 4 * LIMITS.file_bytes, 20_000, LIMITS.file_bytes // 4
# Of other methods Python unpacks a member as a whole, whatever size it states.
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def packed(found: Round, plans: Mapping[int, Mapping[str, bytes]]) -> bytes:
    """Return a round as a zip: an index as JSON, and every content by its digest."""
    contents: dict[str, bytes] = {}

    def kept(content: bytes) -> str:
        digest = hashlib.sha256(content).hexdigest()
        contents[_member(digest)] = content
        return digest

    given = [*found.given.first.values(), *(one for files in found.given.replaced.values() for one in files.values())]
    for source in filter(None, given):
        kept(source.content)
    digests = {number: {path: kept(one) for path, one in files.items()} for number, files in plans.items()}
    index = index_of(found, digests)
    return zip_bytes({_INDEX: index.model_dump_json(indent=1).encode("utf-8"), **dict(sorted(contents.items()))})


def unpacked(content: bytes) -> tuple[Round, dict[int, dict[str, bytes]]]:
    """Return the round in a zip, and the files of each of its plans.

    Raises
    ------
    DataError
        The zip is damaged, is not a round, is too large, or was made by a newer version.
    """
    with _damage_as_problem(content):
        archive = zipfile.ZipFile(io.BytesIO(content))
    with archive:
        sizes = _checked_sizes(archive)
        with _damage_as_problem(content):
            written = _read(archive, _INDEX, sizes[_INDEX])
        index = read_index(written)
        contents = {}
        for digest in sorted(index.digests()):
            if _member(digest) not in sizes:
                raise damaged("It lacks the content of a file.")
            with _damage_as_problem(content):
                contents[digest] = _read(archive, _member(digest), sizes[_member(digest)])
            if hashlib.sha256(contents[digest]).hexdigest() != digest:
                raise damaged("The content of a file is not the one that was saved.")
    return round_of(index, contents)


def _member(digest: str) -> str:
    return f"contents/{digest}"


def _checked_sizes(archive: zipfile.ZipFile) -> dict[str, int]:
    """Return the stated sizes of a zip's members by name, unless they are more than a round may have."""
    entries = archive.infolist()
    sizes = {one.filename: one.file_size for one in entries}
    if (
        len(entries) > _MOST_MEMBERS
        or max(sizes.values(), default=0) > LIMITS.file_bytes
        or sum(one.file_size for one in entries) > _MOST_PACKED
        or sizes.get(_INDEX, 0) > _LARGEST_INDEX
    ):
        message = f"The file unpacks to more than a round may be ({_MOST_PACKED // 1024**2:,} MB)."
        raise file_problem(message, "Check that it is the right file.")
    if _INDEX not in sizes:
        raise not_a_round()
    if len(sizes) < len(entries):
        raise damaged("It holds a file twice.")
    if any(one.compress_type not in _METHODS for one in entries):
        raise damaged("A file in it is packed in another way than this program packs.")
    return sizes


def _read(archive: zipfile.ZipFile, name: str, size: int) -> bytes:
    """Return a member, unpacked to no more than the size that it states; a longer one then fails its checksum."""
    with archive.open(name) as member:
        return member.read(size + 1)


@contextmanager
def _damage_as_problem(content: bytes) -> Iterator[None]:
    try:
        yield
    except DataError:
        raise
    except Exception as error:  # a damaged zip makes the library fail in any of dozens of ways
        is_damaged = zipfile.is_zipfile(io.BytesIO(content)) or content.startswith(b"PK")
        raise (damaged() if is_damaged else not_a_round()) from error
