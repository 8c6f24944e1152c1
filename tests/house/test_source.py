"""The source keeps its own rules: size, names, docstrings."""

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MOST_LINES = 300
DRAWERS = {"utils", "util", "helpers", "helper", "services", "service", "common", "misc"}


def modules(*folders: str) -> list[Path]:
    """Every module of some folders, without migrations."""
    found = [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]
    return [path for path in found if "migrations" not in path.parts]


def test_no_module_is_longer_than_300_lines() -> None:
    long = {
        str(path.relative_to(ROOT)): count
        for path in modules("costwatch", "pricing", "bench")
        if (count := len(path.read_text().splitlines())) > MOST_LINES
    }
    assert long == {}


def test_there_are_no_drawers() -> None:
    drawers = [
        str(path.relative_to(ROOT))
        for path in modules("costwatch", "pricing", "tests", "bench")
        if DRAWERS & {path.stem, *path.relative_to(ROOT).parts}
    ]
    assert drawers == []


def test_every_module_says_what_it_is() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in modules("costwatch", "pricing")
        if path.read_text().strip() and not ast.get_docstring(ast.parse(path.read_text()))
    ]
    assert silent == []


def test_every_public_function_and_class_says_what_it_is() -> None:
    silent = []
    for path in modules("costwatch", "pricing"):
        for node in ast.parse(path.read_text()).body:
            public = isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
            if public and not ast.get_docstring(node) and not _speaks_for_itself(path, node.name):
                silent.append(f"{path.relative_to(ROOT)}: {node.name}")
    assert silent == []


def _speaks_for_itself(path: Path, name: str) -> bool:
    """A management command says it in `help`; `main` of a program is the program."""
    return (name == "Command" and "commands" in path.parts) or (name == "main" and path.name in ("__main__.py",))


def test_the_version_is_the_same_everywhere() -> None:
    import tomllib

    from costwatch import __version__

    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"] == __version__
