"""Files the pages are made of: whole, licensed, ours alone."""

import hashlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
STATIC = ROOT / "static"


def test_the_bundled_plotly_is_the_one_that_was_checked() -> None:
    content = (STATIC / "vendor" / "plotly-basic.min.js").read_bytes()
    assert hashlib.sha256(content).hexdigest() == "99784e3abfb07b142a15e521a439e6d9addceadb3f79553fd24c72774f0649ba"
    assert "MIT" in (STATIC / "vendor" / "plotly-LICENSE.txt").read_text()


def test_the_style_rules_of_plotly_are_of_the_same_version() -> None:
    version = re.search(
        rb"plotly\.js \(basic - minified\) v([0-9.]+)", (STATIC / "vendor" / "plotly-basic.min.js").read_bytes()
    )
    assert version is not None
    assert f"plotly.js {version[1].decode()} " in (STATIC / "vendor" / "plotly.css").read_text()


@pytest.mark.parametrize("name", ["app.css", "parts.css"])
def test_only_the_tokens_name_a_colour(name: str) -> None:
    assert re.findall(r"#[0-9a-fA-F]{3,8}\b|rgba?\(|hsla?\(", (STATIC / name).read_text()) == []


@pytest.mark.parametrize("path", sorted(STATIC.glob("*.*")), ids=lambda path: path.name)
def test_our_files_name_no_other_site(path: Path) -> None:
    assert set(re.findall(r"https?://[\w.]+", path.read_text())) <= {"http://www.w3.org"}


def test_no_template_has_an_inline_script_or_style() -> None:
    for path in (ROOT / "templates").rglob("*.html"):
        text = path.read_text()
        assert not re.search(r"\sstyle=|<style|\son[a-z]+=|javascript:", text), path.name
        assert not re.search(r"<script(?![^>]*src=)", text), path.name
