"""The image and the compose file say what the code can do, and their commands run as processes (OPS-05, SEC-08)."""

import json
import os
import re
import shlex
import subprocess
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
OURS = {"migrate", "web", "worker", "chores", "beat", "all"}
ROW = re.compile(r"^\| `([A-Z][A-Z0-9_]+)` \|", re.MULTILINE)


@lru_cache
def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return found


def services() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = compose()["services"]
    return found


@lru_cache
def dockerfile() -> list[list[tuple[str, str]]]:
    """The instructions of each stage."""
    text = re.sub(r"^\s*#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    stages: list[list[tuple[str, str]]] = []
    for line in filter(None, map(str.strip, text.splitlines())):
        word, _, rest = line.partition(" ")
        if word == "FROM":
            stages.append([])
        stages[-1].append((word, rest.strip()))
    return stages


def of(word: str, stage: int = -1) -> list[str]:
    return [rest for name, rest in dockerfile()[stage] if name == word]


def image_environment() -> dict[str, str]:
    return dict(pair.split("=", 1) for line in of("ENV") for pair in shlex.split(line))


def variables() -> set[str]:
    """The settings of the README's table, which another test compares with the code."""
    return set(ROW.findall((ROOT / "README.md").read_text()))


def is_known(variable: str) -> bool:
    return variable in variables() or variable.removesuffix("_FILE") in variables()


# -- the image ----------------------------------------------------------------------------------------------------


def test_both_stages_begin_with_the_same_exact_python() -> None:
    (build,), (final,) = of("FROM", 0), of("FROM")
    assert build == f"{final} AS build"
    version = re.fullmatch(r"python:(\d+)\.(\d+)\.(\d+)-slim-bookworm", final)
    assert version
    assert tuple(map(int, version.groups())) >= (3, 11, 0)


def test_the_image_installs_from_the_lock_with_hashes_and_keeps_no_tools() -> None:
    installs = [line for line in of("RUN", 0) if "install" in line or "sync" in line]
    assert any("--require-hashes -r .ci/uv.txt" in line for line in installs)
    assert any("uv sync --frozen --no-dev" in line for line in installs)
    final = " ".join(of("RUN"))
    assert "install" not in final.replace("/pip", "")
    assert of("COPY") == ["--from=build /app /app", "--from=postgres /client /usr/lib/postgresql"]
    for tool in ("pip", "setuptools", "wheel", "ensurepip"):
        assert f"/{tool}" in final


def test_everything_the_image_copies_exists_and_is_let_in() -> None:
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    sources = [word for line in of("COPY", 0) for word in line.split()[:-1]]
    assert set(sources) == allowed
    assert all((ROOT / source).exists() for source in sources)


def test_the_image_runs_as_a_numbered_user_and_can_be_run_as_any() -> None:
    assert of("USER") == ["10001:0"]
    assert "chgrp 0 /data && chmod 2770 /data" in " ".join(of("RUN"))
    assert of("VOLUME") == ["/data"]
    environment = image_environment()
    assert environment["COSTWATCH_DATA_DIR"] == "/data"
    assert environment["PYTHONDONTWRITEBYTECODE"] == "1"


def test_the_image_is_make_run_with_its_port_open() -> None:
    environment = image_environment()
    assert json.loads(of("CMD")[0]) == ["python", "manage.py", "up"]
    assert (environment["COSTWATCH_BIND"], environment["PORT"], of("EXPOSE")) == ("0.0.0.0", "8000", ["8000"])
    assert of("HEALTHCHECK")[0].endswith('CMD ["python", "manage.py", "alive", "web"]')
    ours = {name for name in environment if name.startswith(("COSTWATCH_", "DATABASE_"))}
    assert all(is_known(name) for name in ours)


# -- the compose file ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(OURS | {"postgres", "redis"}))
def test_ops_05_every_container_is_locked_down(name: str) -> None:
    service = services()[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not service["user"].startswith("0")
    assert "/tmp" in service["tmpfs"]
    assert not {"privileged", "cap_add", "network_mode", "pid", "devices"} & service.keys()


def test_ops_05_nothing_is_published_but_the_pages_on_loopback() -> None:
    published = {name: service["ports"] for name, service in services().items() if "ports" in service}
    assert published == {"web": ["127.0.0.1:8000:8000"], "all": ["127.0.0.1:8000:8000"]}


def test_database_and_broker_have_no_way_out_and_the_worker_has_one() -> None:
    networks = compose()["networks"]
    assert networks["inside"] == {"internal": True}
    assert {name: service["networks"] for name, service in services().items()} == {
        "postgres": ["inside"],
        "redis": ["inside"],
        "migrate": ["inside"],
        "web": ["inside", "front"],
        "worker": ["inside", "outside"],
        "chores": ["inside"],
        "beat": ["inside"],
        "all": ["inside", "front"],
    }
    assert all(not (network or {}).get("driver") for network in networks.values())


def test_sec_08_only_what_reads_knows_the_admin_key() -> None:
    knows = {name for name, service in services().items() if "admin_key" in service.get("secrets", ())}
    told = {name for name in OURS if "COSTWATCH_ADMIN_KEY_FILE" in services()[name]["environment"]}
    mounted = {name for name, service in services().items() if "admin_keys" in json.dumps(service.get("volumes", []))}
    pointed = {name for name in OURS if "COSTWATCH_ADMIN_KEYS_DIR" in services()[name]["environment"]}
    assert knows == told == mounted == pointed == {"worker", "all"}


def test_sec_08_the_master_key_is_for_the_worker_too_as_the_readme_shows() -> None:
    readme = (ROOT / "README.md").read_text()
    (shown,) = re.findall(r"```yaml\n(.+?)```", readme, re.DOTALL)
    override = yaml.safe_load(shown)
    assert set(override["services"]) == {"worker"}
    assert override["services"]["worker"] == {
        "environment": {"COSTWATCH_CREDENTIALS": "database", "COSTWATCH_KEK_FILE": "/run/secrets/kek"},
        "secrets": ["kek"],
    }
    assert override["secrets"] == {"kek": {"file": "./secrets/kek"}}


@pytest.mark.parametrize("name", sorted(services()))
def test_every_secret_is_a_file_that_is_mounted_where_it_is_read(name: str) -> None:
    service = services()[name]
    read = {value for key, value in service.get("environment", {}).items() if key.endswith("_FILE")}
    read |= set(re.findall(r"/run/secrets/\w+", json.dumps([service.get("command"), service.get("healthcheck")])))
    assert read == {f"/run/secrets/{secret}" for secret in service["secrets"]}
    assert set(service["secrets"]) <= set(compose()["secrets"])
    readme = (ROOT / "README.md").read_text()
    for secret in service["secrets"]:
        assert compose()["secrets"][secret] == {"file": f"./secrets/{secret}"}
        assert f"secrets/{secret}" in readme


def test_every_variable_of_the_compose_file_is_a_setting() -> None:
    unknown = [key for name in OURS for key in services()[name]["environment"] if not is_known(key)]
    assert unknown == []


def test_the_two_profiles_are_whole() -> None:
    profiles = {name: service["profiles"] for name, service in services().items()}
    assert {name for name, of_it in profiles.items() if "small" in of_it} == {"postgres", "migrate", "all"}
    assert {name for name, of_it in profiles.items() if "large" in of_it} == set(profiles) - {"all"}
    for service in services().values():
        for needed, how in service.get("depends_on", {}).items():
            assert how["condition"] == ("service_completed_successfully" if needed == "migrate" else "service_healthy")
            assert set(service["profiles"]) <= set(profiles[needed])


def test_every_container_that_stays_has_a_health_check() -> None:
    for name, service in services().items():
        check = service["healthcheck"]
        if name == "migrate":
            assert check == {"disable": True}
            continue
        assert check["test"][0] in ("CMD", "CMD-SHELL")
        if name in OURS:
            part = "web" if name == "all" else name
            assert check["test"] == ["CMD", "python", "manage.py", "alive", part]


def test_the_image_has_the_dump_programs_of_the_server_it_runs_with() -> None:
    server = services()["postgres"]["image"]
    assert of("FROM", 1) == [f"{server} AS postgres"]
    major = server.removeprefix("postgres:").split("-")[0]
    assert re.findall(r"postgresql/(\d+)/", of("RUN", 1)[0]) == [major] * 3


def test_the_dump_programs_of_the_image_bring_their_libraries(tmp_path: Path) -> None:
    """The command of the Dockerfile, with this machine's version and a folder of ours."""
    programs = max(Path("/usr/lib/postgresql").glob("*/bin"))
    lib = tmp_path / "17/lib"
    (gather,) = of("RUN", 1)
    gather = gather.replace("/usr/lib/postgresql/17/bin", str(programs)).replace("/usr/lib/postgresql/17/lib", str(lib))
    subprocess.run(["sh", "-ec", gather.replace("/client", str(tmp_path))], check=True)
    for program in ("pg_dump", "pg_restore"):
        path, environment = tmp_path / "17/bin" / program, {"LD_LIBRARY_PATH": str(lib), "PATH": os.environ["PATH"]}
        linked = subprocess.check_output(["ldd", str(lib / program)], env=environment, text=True)
        assert "not found" not in linked
        elsewhere = [line for line in linked.splitlines() if "=> /" in line and str(lib) not in line]
        assert all(re.search(r"lib(c|m|dl|rt|pthread|resolv)\.so", line) for line in elsewhere)
        assert subprocess.check_output([str(path), "--version"], text=True).startswith(f"{program} (PostgreSQL)")


def test_backups_outlive_the_container_that_makes_them() -> None:
    migrate = services()["migrate"]
    assert migrate["volumes"] == ["backups:/data"]
    assert migrate["environment"]["COSTWATCH_DATA_DIR"] == "/data"
    assert migrate["user"].endswith(":0")
    assert "backups" in compose()["volumes"]


def test_postgresql_has_a_pinned_major_and_a_volume() -> None:
    assert services()["postgres"]["image"] == "postgres:17-bookworm"
    assert services()["postgres"]["volumes"] == ["database:/var/lib/postgresql/data"]
    assert "database" in compose()["volumes"]


def test_the_static_files_are_collected_with_their_compressed_forms(tmp_path: Path) -> None:
    command = next(line for line in of("RUN", 0) if "collectstatic" in line)
    assert "manage.py collectstatic --noinput --verbosity 0" in command
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("COSTWATCH_", "DATABASE_"))}
    environment = kept | {"COSTWATCH_DATA_DIR": str(tmp_path), "COSTWATCH_STATIC_ROOT": str(tmp_path / "static")}
    arguments = ["collectstatic", "--noinput", "--verbosity", "0"]
    subprocess.run([sys.executable, "manage.py", *arguments], cwd=ROOT, env=environment, check=True)
    assert (tmp_path / "static/staticfiles.json").exists()
    made = list((tmp_path / "static").rglob("*.*.js.gz"))
    assert any(path.name.startswith("plotly-basic") for path in made)
