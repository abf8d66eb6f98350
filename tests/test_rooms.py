"""The map of the rooms in the README is the house as it stands: every room is on it, and imports run down it only."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = [
    name.removeprefix("matching/").removesuffix("/").removesuffix(".py")
    for line in (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("| `matching/")
    for name in re.findall(r"`([^`]+)`", line.split("|")[1])
]
MODULES = sorted(path for path in (ROOT / "matching").glob("*.py") if not path.stem.startswith("__"))


def imported(path: Path) -> set[str]:
    """The modules that a file imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            found |= {node.module} if node.module != "matching" else {f"matching.{one.name}" for one in node.names}
        elif isinstance(node, ast.Import):
            found |= {one.name for one in node.names}
    return found


def test_every_room_is_on_the_map():
    folders = {path.parent.name for path in (ROOT / "matching").glob("*/__init__.py")}
    assert {path.stem for path in MODULES} | folders <= set(ROOMS)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_imports_run_down_the_map_and_nothing_below_the_screens_knows_streamlit(path):
    rooms = {name.split(".")[1] for name in imported(path) if name.startswith("matching.")}
    above = {room for room in rooms & set(ROOMS) if ROOMS.index(room) > ROOMS.index(path.stem)}
    # The command opens the browser app.
    assert above <= ({"ui"} if path.stem == "cli" else set())
    assert not any(name.split(".")[0] == "streamlit" for name in imported(path))
