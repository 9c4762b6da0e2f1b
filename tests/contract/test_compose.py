"""docker-compose.yml and Dockerfile against specification, registry and harness. No engine is needed."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from jsonschema import Draft202012Validator

from harness.environment import toxiproxy_binary
from harness.environment.embedded import SERVER_SETTINGS
from harness.subject import uvicorn_command
from scenarios.registry import SCENARIOS
from targets.registry import TARGETS
from targets.settings import DATABASE_URL_VARIABLE, DatabaseUrl, PoolSettings
from tests.contract.compose_file import (
    COMPOSE_FILE,
    PASSWORD_VARIABLE,
    REPOSITORY,
    MissingVariableError,
    dockerfile,
    instruction,
    interpolate,
    raw_compose,
    services,
    toxiproxy_config,
)

DATA = Path(__file__).parent / "data"
SCHEMA_FILE = DATA / "compose-spec.json"
RUNS_ONCE = {"schema"}
THREADS = 40
"""AnyIO's default: the most connections that a target with threads and without a pool holds."""
ROOM_WITHOUT_LIMIT = 100
RESERVED_CONNECTIONS = 3


def schema_errors(document: Any) -> list[str]:
    schema = json.loads(SCHEMA_FILE.read_text())
    return [f"{error.json_path}: {error.message}" for error in Draft202012Validator(schema).iter_errors(document)]


def ports_of(service: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Host address, host port and container port of each published port; all must be written in full."""
    return [tuple(port.rsplit(":", 2)) for port in service.get("ports", [])]


# --- the specification -----------------------------------------------------------------------------------


def test_file_follows_the_compose_specification() -> None:
    document = raw_compose()

    assert schema_errors(document) == []
    assert schema_errors(interpolate(document, {PASSWORD_VARIABLE: "given"})) == []


@pytest.mark.parametrize(
    ("service", "damage", "blamed"),
    [
        ("postgres", {"depend_on": ["schema"]}, "depend_on"),
        ("sync-pool", {"healthcheck": {"tests": ["CMD", "true"]}}, "tests"),
        ("locust-worker", {"deploy": {"resources": {"limits": {"processors": 1}}}}, "processors"),
    ],
)
def test_the_schema_notices_what_is_wrong(service: str, damage: dict[str, Any], blamed: str) -> None:
    document = raw_compose()
    document["services"][service] |= damage

    assert any(f"'{blamed}'" in error for error in schema_errors(document))


def test_the_schema_is_the_one_that_its_note_names() -> None:
    digest = hashlib.sha256(SCHEMA_FILE.read_bytes()).hexdigest()

    assert f"    {digest}\n" in (DATA / "README.md").read_text()


def test_docker_compose_reads_the_file() -> None:
    program = shutil.which("docker")
    if program is None:
        pytest.skip("no docker command on this machine")
    version = subprocess.run([program, "compose", "version"], capture_output=True, timeout=30, check=False)
    if version.returncode:
        pytest.skip("this docker command has no compose plugin")
    command = [program, "compose", "--file", str(COMPOSE_FILE), "config", "--format", "json"]
    environment = {**os.environ, PASSWORD_VARIABLE: "given"}

    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60, check=False)

    assert (done.returncode, done.stderr) == (0, "")
    assert set(json.loads(done.stdout)["services"]) == set(services())


# --- targets, and the way to the database ----------------------------------------------------------------


def test_every_target_is_a_service_and_runs_its_app() -> None:
    apps = {
        name: service["command"]
        for name, service in services().items()
        if DATABASE_URL_VARIABLE in service.get("environment", {}) and name not in RUNS_ONCE
    }

    assert apps == {target.name: [target.app] for target in TARGETS.values()}


def test_targets_differ_in_app_proxy_and_port_only() -> None:
    def without_own(service: dict[str, Any]) -> dict[str, Any]:
        shared = {key: value for key, value in service.items() if key not in ("command", "ports")}
        environment = {key: value for key, value in service["environment"].items() if key != DATABASE_URL_VARIABLE}
        return {**shared, "environment": environment}

    first, *others = (without_own(services()[name]) for name in TARGETS)

    assert set(first["deploy"]["resources"]["limits"]) == {"cpus", "memory"}
    assert others == [first] * len(others)


def test_every_target_has_a_proxy_of_its_own_that_leads_to_postgres() -> None:
    proxies = toxiproxy_config()
    listening = {proxy["name"]: int(proxy["listen"].rpartition(":")[2]) for proxy in proxies}
    dialled = {
        name: urlsplit(services()[name]["environment"][DATABASE_URL_VARIABLE]).netloc.partition("@")[2]
        for name in TARGETS
    }

    assert set(listening) == set(TARGETS)
    assert len(set(listening.values())) == len(TARGETS)
    assert dialled == {name: f"toxiproxy:{port}" for name, port in listening.items()}
    assert {(proxy["upstream"], proxy["enabled"]) for proxy in proxies} == {("postgres:5432", True)}


def test_no_target_can_go_past_its_proxy() -> None:
    found = services()
    database = set(found["postgres"]["networks"])

    assert set(found["toxiproxy"]["networks"]) > database
    assert [name for name in TARGETS if database & set(found[name]["networks"])] == []


def test_toxiproxy_is_healthy_only_with_the_last_of_its_proxies() -> None:
    assert services()["toxiproxy"]["healthcheck"]["test"][-2:] == ["inspect", toxiproxy_config()[-1]["name"]]


@pytest.mark.parametrize("name", TARGETS)
def test_a_target_keeps_its_defaults_unless_told_otherwise(name: str) -> None:
    defaults = TARGETS[name].defaults
    untouched = services()[name]["environment"]
    told = services(POOLSTORM_POOL_SIZE="7", POOLSTORM_PRE_PING="false")[name]["environment"]

    assert PoolSettings.from_environment(defaults, untouched) == defaults
    assert PoolSettings.from_environment(defaults, told) == defaults.with_overrides(
        {"pool_size": 7, "pre_ping": False}
    )


@pytest.mark.parametrize("name", TARGETS)
def test_a_targets_environment_is_what_targets_read(name: str) -> None:
    environment = services()[name]["environment"]
    settings = set(PoolSettings().to_environment())

    assert set(environment) == settings | {DATABASE_URL_VARIABLE, "PGPASSWORD"}
    assert "postgresql://toxiproxy:" in str(DatabaseUrl.from_environment(environment))


def test_the_database_has_connections_for_all_targets_at_once() -> None:
    limits = [target.defaults.limit for name, target in TARGETS.items() if not name.endswith("no-pool")]
    assert None not in limits
    needed = sum(filter(None, limits)) + THREADS + ROOM_WITHOUT_LIMIT + RESERVED_CONNECTIONS
    options = dict(word.removeprefix("--").split("=") for word in services()["postgres"]["command"][1:])

    assert int(options.pop("max_connections")) >= needed
    assert options == {name: SERVER_SETTINGS[name] for name in options}


# --- secrets, ports, health ------------------------------------------------------------------------------


def test_the_password_is_required_and_nowhere_in_the_file() -> None:
    raw = raw_compose()["services"]
    secrets = {
        value
        for service in raw.values()
        for key, value in service.get("environment", {}).items()
        if "PASS" in key.upper()
    }
    urls = [service["environment"][DATABASE_URL_VARIABLE] for name, service in raw.items() if name in TARGETS]

    assert len(secrets) == 1
    assert secrets.pop().startswith(f"${{{PASSWORD_VARIABLE}:?")
    assert [urlsplit(url).password for url in urls] == [None] * len(TARGETS)
    with pytest.raises(MissingVariableError, match=f"{PASSWORD_VARIABLE}: set it"):
        interpolate(raw, {})


def test_ports_are_published_on_loopback_only_and_once() -> None:
    published = [port for service in services().values() for port in ports_of(service)]
    host_ports = [host_port for _, host_port, _ in published]

    assert {address for address, _, _ in published} == {"127.0.0.1"}
    assert len(set(host_ports)) == len(host_ports)
    assert ("127.0.0.1", "8089", "8089") in ports_of(services()["locust-master"])
    assert all(ports_of(services()[name]) for name in TARGETS)


def test_every_service_that_stays_has_a_health_check() -> None:
    unchecked = {name for name, service in services().items() if not service.get("healthcheck", {}).get("test")}

    assert unchecked == RUNS_ONCE


def test_services_wait_until_others_are_healthy() -> None:
    found = services()
    waits = {
        (other, how["condition"])
        for service in found.values()
        for other, how in service.get("depends_on", {}).items()
    }

    assert {other for other, _ in waits} <= set(found)
    assert {how for other, how in waits if other in RUNS_ONCE} == {"service_completed_successfully"}
    assert {how for other, how in waits if other not in RUNS_ONCE} == {"service_healthy"}
    assert set(found["locust-master"]["depends_on"]) == set(TARGETS)


def test_workers_can_be_many() -> None:
    worker = services()["locust-worker"]

    assert "container_name" not in worker
    assert ports_of(worker) == []


def test_every_scenario_can_be_chosen() -> None:
    for name in SCENARIOS:
        chosen = services(POOLSTORM_SCENARIO=name.replace("-", "_"))
        options = [chosen[service]["command"][0] for service in ("locust-master", "locust-worker")]
        (path,) = {option.removeprefix("--locustfile=") for option in options}
        assert (REPOSITORY / path).is_file()


def test_every_image_is_pinned_to_a_version() -> None:
    images = {service["image"] for service in services().values()} | {instruction("FROM").text}
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]

    assert [image for image in images if not re.search(r":\d+\.\d+(\.\d+)?(-[a-z-]+)?$", image)] == []
    assert f"ghcr.io/shopify/toxiproxy:{toxiproxy_binary.VERSION}" in images
    assert f"{project['name']}:{project['version']}" in images


def test_only_one_service_builds_the_image() -> None:
    found = services()
    own = {name for name, service in found.items() if service["image"].startswith("poolstorm:")}

    assert own == set(TARGETS) | {"schema", "locust-master", "locust-worker"}
    assert [name for name, service in found.items() if "build" in service] == ["schema"]
    assert {found[name]["pull_policy"] for name in own} == {"never"}


# --- Dockerfile ------------------------------------------------------------------------------------------


def test_the_image_runs_as_a_user_of_no_rights() -> None:
    names = [each.name for each in dockerfile()]
    user, _, group = instruction("USER").text.partition(":")

    assert int(user) > 0
    assert int(group) > 0
    assert "RUN" not in names[names.index("USER") :]


def test_packages_are_locked_and_a_layer_of_their_own() -> None:
    steps = [each.text for each in dockerfile() if each.name in ("COPY", "RUN")]
    installs = [step for step in steps if "pip install" in step]

    assert len(installs) == 1
    assert "--require-hashes" in installs[0].split()
    assert steps[steps.index(installs[0]) - 1] == "requirements.lock ./"
    assert "index" not in " ".join(steps)


def test_all_that_is_copied_exists_and_is_not_ignored() -> None:
    sources = [each.text.split()[0] for each in dockerfile() if each.name == "COPY"]
    let_through = {
        line.removeprefix("!")
        for line in (REPOSITORY / ".dockerignore").read_text().splitlines()
        if line.startswith("!")
    }

    assert [source for source in sources if not (REPOSITORY / source).exists()] == []
    assert set(sources) == let_through


def test_the_image_serves_as_the_harness_does() -> None:
    words = list(uvicorn_command("an.app:app"))
    at = words.index("--fd")
    options = words[:at] + words[at + 2 :]
    options.remove("an.app:app")
    entry = instruction("ENTRYPOINT").exec_form()
    address = ["--host", "0.0.0.0", "--port", "8000"]

    assert entry == ["python", *options[:2], *address, *options[2:]]
    assert instruction("CMD").exec_form() == [TARGETS["sync-pool"].app]


def test_image_and_stack_check_health_alike_and_without_curl() -> None:
    checked = instruction("HEALTHCHECK").exec_form()

    assert checked == ["python", "docker/health.py", "answers", "http://127.0.0.1:8000/health/live"]
    assert {tuple(services()[name]["healthcheck"]["test"]) for name in TARGETS} == {("CMD", *checked)}
