"""The documents say what is so: the settings table, the changelog, the licence, links."""

import ast
import json
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from costwatch.upstream.sandbox.server import SandboxServer
from pricing.money import format_usd

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


def test_every_requirement_the_readme_claims_has_a_test_named_for_it() -> None:
    claimed = re.findall(r"^\| ([A-Z]+-\d\d) \| .+ \| `-k ([a-z]+_\d\d)` \|$", readme(), re.MULTILINE)
    assert len(claimed) == 79
    tests = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    assert [
        name for name, _ in claimed if not re.search(rf"def test_\w*{name.lower().replace('-', '_')}_", tests)
    ] == []
    assert [name.lower().replace("-", "_") for name, _ in claimed] == [option for _, option in claimed]


def test_the_quote_of_the_readme_is_what_the_command_answers() -> None:
    (line,) = re.findall(r"^echo '(.+)'", readme(), re.MULTILINE)
    shown = examples()[0]
    command = [sys.executable, "-m", "pricing", "quote"]
    done = subprocess.run(command, input=line + "\n", capture_output=True, text=True, check=True, cwd=ROOT)
    answered = json.loads(done.stdout)
    assert {**answered, "price_version": ""} == {**shown, "price_version": ""}


def test_the_report_of_the_readme_is_what_the_sandbox_knows() -> None:
    shown = examples()[1]
    sandbox = SandboxServer(anchor=datetime(2026, 11, 20, 14, 5, tzinfo=UTC), now=lambda: datetime.now(UTC))
    october = (datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC))
    truth = sandbox.truth.totals(*october, group_by=("workspace_id",))[("default",)]
    sandbox.stop()
    (row,) = shown["rows"]
    assert row["reported_usd"] == format_usd(truth.reported or 0)
    assert (row["list_low_usd"], row["list_high_usd"]) == (format_usd(truth.list_low), format_usd(truth.list_high))
    assert [row[name] for name in list(row)[-6:]] == list(truth.counts)
    assert {name: row[name] for name in shown["totals"]} == shown["totals"]


def examples() -> list[dict[str, Any]]:
    """The JSON examples of the README."""
    return [json.loads(text) for text in re.findall(r"```json\n(.+?)```", readme(), re.DOTALL)]


def readme() -> str:
    return (ROOT / "README.md").read_text()
