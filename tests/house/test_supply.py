"""What we install is what was reviewed (SUP-01): locked, hashed, a week old, and nothing runs at Python's start."""

import hashlib
import re
import site
import sysconfig
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HASH = re.compile(r"sha256:[0-9a-f]{64}")
# Lines of these files run at every start of Python. Each was read: what it is, and what it may hold.
PTH_ALLOWED = {
    "a1_coverage.pth": "ef2ed06d19867ec669c09a804060666a9cd5e383af0a9d11aa2de79b77d448e8",
    "distutils-precedence.pth": "2638ce9e2500e572a5e0de7faed6661eb569d1b696fcba07b0dd223da5f5d224",
}
VENDORED = {
    "static/vendor/plotly-LICENSE.txt": "8c45d9eaf50c2f72dd9c7ab9ef440788ba58a3538484b5c51c1f17d5128752e7",
    "static/vendor/plotly-basic.min.js": "99784e3abfb07b142a15e521a439e6d9addceadb3f79553fd24c72774f0649ba",
    "static/vendor/plotly.css": "348f6e499613efb617c018008a25efd095c9d0f78699b66ac6f7f6a80c3a1283",
}


def test_sup_01_every_locked_package_has_hashes() -> None:
    packages = tomllib.loads((ROOT / "uv.lock").read_text())["package"]
    ours = [package["name"] for package in packages if "virtual" in package.get("source", {})]
    assert ours == ["costwatch"]
    for package in packages:
        if package["name"] == "costwatch":
            continue
        files = [*package.get("wheels", []), *([package["sdist"]] if "sdist" in package else [])]
        assert files, package["name"]
        assert all(HASH.fullmatch(file["hash"]) for file in files), package["name"]


def test_sup_01_the_installer_itself_is_pinned_with_hashes() -> None:
    text = (ROOT / ".ci/uv.txt").read_text()
    requirements = re.findall(r"^([a-z0-9-]+)==([0-9.]+) \\$", text, re.MULTILINE)
    assert [name for name, _ in requirements] == ["uv"]
    assert len(HASH.findall(text)) >= 1


def test_sup_01_continuous_integration_installs_with_hashes_from_the_lock() -> None:
    makefile, run = (ROOT / "Makefile").read_text(), (ROOT / ".ci/run").read_text()
    assert "make test" in run
    assert "COSTWATCH_TEST_STRICT=1" in run
    installs = re.findall(r"^\t.*(?:pip install|uv sync|uv pip).*$", makefile, re.MULTILINE)
    assert installs
    for line in installs:
        assert "--require-hashes" in line or "uv sync --quiet --frozen" in line, line


def test_sup_01_new_releases_wait_a_week() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert project["tool"]["uv"]["exclude-newer"] == "7 days"
    assert tomllib.loads((ROOT / "uv.lock").read_text())["options"]["exclude-newer-span"] == "P7D"


def test_sup_01_nothing_unknown_runs_when_python_starts() -> None:
    folders = {Path(sysconfig.get_path("purelib")), Path(sysconfig.get_path("platlib"))}
    folders |= {Path(folder) for folder in site.getsitepackages()}
    found = {path.name: digest_of(path) for folder in folders for path in folder.glob("*.pth")}
    assert {name: digest for name, digest in found.items() if PTH_ALLOWED.get(name) != digest} == {}


def test_vendored_files_are_the_ones_that_were_checked() -> None:
    found = {str(path.relative_to(ROOT)): digest_of(path) for path in sorted((ROOT / "static/vendor").iterdir())}
    assert found == VENDORED


def digest_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
