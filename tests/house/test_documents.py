"""The documents say what is so: the settings table, the changelog, the licence, links."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Read from the environment and documented; a test's own switches are in the README's development section instead.
VARIABLE = re.compile(r"COSTWATCH_[A-Z][A-Z0-9_]*|DATABASE_URL(?:_FILE)?|PORT")
ROW = re.compile(r"^\| `([A-Z][A-Z0-9_]+)` \|", re.MULTILINE)


def variables_read() -> set[str]:
    """Every variable named by a text literal of the code; `<NAME>_FILE` of a secret is its file variant."""
    named: set[str] = set()
    for folder in ("costwatch", "pricing"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Constant) and isinstance(node.value, str) and VARIABLE.fullmatch(node.value):
                    named.add(node.value)
    return {name for name in named if name.removesuffix("_FILE") == name or name.removesuffix("_FILE") not in named}


def test_the_settings_table_of_the_readme_lists_the_variables_the_code_reads() -> None:
    rows = ROW.findall((ROOT / "README.md").read_text())
    assert len(rows) == len(set(rows))
    assert set(rows) == variables_read()


def test_the_variables_are_found_by_walking_the_source() -> None:
    found = variables_read()
    assert {"PORT", "DATABASE_URL", "COSTWATCH_ADMIN_KEY", "COSTWATCH_PRICES_FILE", "COSTWATCH_NOW"} <= found
    assert "COSTWATCH_ADMIN_KEY_FILE" not in found


def test_the_changelog_has_an_unreleased_section_on_top() -> None:
    headings = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert headings[0] == "[Unreleased]"
    assert all(re.fullmatch(r"\[\d+\.\d+\.\d+\] - \d{4}-\d{2}-\d{2}", heading) for heading in headings[1:])


def test_the_licence_is_apache_2() -> None:
    text = (ROOT / "LICENSE").read_text()
    assert "Apache License" in text
    assert "Version 2.0, January 2004" in text


def test_the_security_policy_says_how_to_report_and_what_is_supported() -> None:
    text = (ROOT / "SECURITY.md").read_text()
    assert "private vulnerability report" in text
    assert "## Supported versions" in text


def test_files_the_documents_link_to_exist() -> None:
    missing = []
    for document in (ROOT / "README.md", ROOT / "SECURITY.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").glob("*.md")):
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", document.read_text()):
            if not target.startswith(("http://", "https://")) and not (document.parent / target).exists():
                missing.append(f"{document.name}: {target}")
    assert missing == []
