"""The demo area and the templates that ship with the program."""

from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from matching.tables.files import Source


def demo_sources() -> dict[str, Source]:
    """Return the files of the fictional area, by table name."""
    return _sources("demo")


def template_sources() -> dict[str, Source]:
    """Return blank tables with one example row each, by table name."""
    return _sources("templates")


def _sources(folder: str) -> dict[str, Source]:
    found = sorted((one for one in (_data() / folder).iterdir() if one.is_file()), key=lambda one: one.name)
    return {one.name.split(".")[0]: Source(one.name, one.read_bytes()) for one in found}


def _data() -> Traversable:
    # A wheel has the folder inside the package; a checkout has it next to the package.
    packed = files("matching") / "data"
    return packed if packed.is_dir() else Path(__file__).parents[2] / "data"
