"""The commands of docker-compose.yml and Dockerfile without containers: their words, this machine's addresses."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psycopg2
import pytest

from harness.environment.database import DatabaseServer, TrialDatabase
from harness.environment.leash import Child, Leash, ending
from harness.environment.ports import HOST, free_port
from harness.environment.toxiproxy_binary import find_or_build
from targets.registry import TARGETS
from targets.schema import SEED_USERS
from targets.settings import DATABASE_URL_VARIABLE
from tests.contract.compose_file import REPOSITORY, instruction, services, toxiproxy_config

pytestmark = pytest.mark.integration

DEADLINE_S = 20.0


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Poll until `condition()` holds; a service that does not answer yet counts as no."""
    ends_at = time.monotonic() + DEADLINE_S
    while time.monotonic() < ends_at:
        try:
            if condition():
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    raise AssertionError(f"did not come true within {DEADLINE_S:g} s: {what}")


@dataclass(frozen=True)
class Translation:
    """Replaces what exists only between containers: names, ports, the image's `python`."""

    words: Mapping[str, str]

    def __call__(self, text: str) -> str:
        # In one pass, as a port chosen here may hold the digits of another.
        return re.sub("|".join(map(re.escape, self.words)), lambda match: self.words[match[0]], text)

    def command(self, words: list[str]) -> list[str]:
        assert words[0] == "python"
        return [sys.executable, *map(self, words[1:])]

    def health(self, service: str) -> int:
        """Run a service's health check; 0 is healthy."""
        kind, *words = services()[service]["healthcheck"]["test"]
        assert kind == "CMD"
        return subprocess.run(self.command(words), cwd=REPOSITORY, timeout=30, check=False).returncode


def environment_of(service: str, translation: Translation, password: str) -> dict[str, str]:
    given = services(POOLSTORM_POSTGRES_PASSWORD=password)[service]["environment"]
    own = {name: translation(value) if name == DATABASE_URL_VARIABLE else value for name, value in given.items()}
    return {"PATH": os.defpath, **own}


# --- schema ----------------------------------------------------------------------------------------------


def run_seed(database: TrialDatabase, password: str) -> subprocess.CompletedProcess[str]:
    server = database.server
    translation = Translation(
        {"poolstorm@postgres:5432/poolstorm": f"{server.user}@{HOST}:{server.port}/{database.name}"}
    )
    service = services()["schema"]
    command = translation.command([*service["entrypoint"], *service["command"]])
    environment = environment_of("schema", translation, password)
    return subprocess.run(
        command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, timeout=60, check=False
    )


def query(database: TrialDatabase, statement: str) -> list[tuple[Any, ...]]:
    connection = psycopg2.connect(database.url)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


def test_seeding_twice_leaves_what_is_there(postgres_server: DatabaseServer) -> None:
    with postgres_server.fresh_database() as database:
        first = run_seed(database, postgres_server.password)
        query(database, "UPDATE users SET balance_cents = 7 WHERE id = 1")
        second = run_seed(database, postgres_server.password)
        rows = query(database, "SELECT count(*), min(balance_cents) FROM users")

    assert (first.returncode, first.stderr) == (0, "")
    assert (second.returncode, second.stderr) == (0, "")
    assert first.stdout == second.stdout
    assert rows == [(SEED_USERS, 7)]


def test_seeding_without_access_is_one_line_without_the_password(postgres_server: DatabaseServer) -> None:
    with postgres_server.fresh_database() as database:
        done = run_seed(database, "not-the-password")

    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith("error: DatabaseUrl('postgresql://127.0.0.1:")
    assert "not-the-password" not in done.stderr


def test_seeding_without_an_address_names_the_variable() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "targets.seed"],
        cwd=REPOSITORY,
        env={"PATH": os.defpath},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert DATABASE_URL_VARIABLE in done.stderr


# --- proxies and targets ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Link:
    """A seeded database, and Toxiproxy before it with the stack's proxies on ports of this machine."""

    database: TrialDatabase = field(repr=False)
    api: str
    ports: Mapping[str, int]


@pytest.fixture(scope="module")
def link(
    leash: Leash, postgres_server: DatabaseServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Link]:
    folder = tmp_path_factory.mktemp("toxiproxy")
    ports = {proxy["name"]: free_port() for proxy in toxiproxy_config()}
    api_port = free_port()
    upstream = f"{postgres_server.host}:{postgres_server.port}"
    here = [
        {**proxy, "listen": f"{HOST}:{ports[proxy['name']]}", "upstream": upstream} for proxy in toxiproxy_config()
    ]
    (folder / "toxiproxy.json").write_text(json.dumps(here))
    translation = Translation({"0.0.0.0": HOST, "/etc/toxiproxy.json": str(folder / "toxiproxy.json")})
    options = [translation(word) for word in services()["toxiproxy"]["command"]]
    binary = find_or_build(lambda _: None, leash)
    child = leash.start(
        [binary.path, *options, f"-port={api_port}"],
        env={"PATH": os.defpath},
        log_path=folder / "toxiproxy.log",
        name="Toxiproxy of the stack",
    )
    with ending(child.stop), postgres_server.fresh_database() as database:
        assert run_seed(database, postgres_server.password).returncode == 0
        api = f"http://{HOST}:{api_port}"
        wait_until(lambda: httpx.get(f"{api}/version").is_success, "Toxiproxy answers")
        yield Link(database, api, ports)


@contextmanager
def serving(name: str, link: Link, leash: Leash, folder: Path) -> Iterator[tuple[httpx.Client, Translation]]:
    """A target, started by the image's entry point and the service's command."""
    port = free_port()
    proxy = next(proxy for proxy in toxiproxy_config() if proxy["name"] == name)
    listen_port = proxy["listen"].rpartition(":")[2]
    server = link.database.server
    translation = Translation(
        {
            f"poolstorm@toxiproxy:{listen_port}/poolstorm": (
                f"{server.user}@{HOST}:{link.ports[name]}/{link.database.name}"
            ),
            "0.0.0.0": HOST,
            "8000": str(port),
        }
    )
    words = [*instruction("ENTRYPOINT").exec_form(), *services()[name]["command"]]
    child = leash.start(
        translation.command(words),
        env=environment_of(name, translation, server.password),
        log_path=folder / f"{name}.log",
        name=name,
        cwd=REPOSITORY,
    )
    with ending(child.stop), httpx.Client(base_url=f"http://{HOST}:{port}", timeout=10) as client:
        wait_until(lambda: client.get("/health/live").is_success, f"{name} answers")
        yield client, translation


def test_toxiproxy_takes_the_file_and_lists_every_proxy(link: Link) -> None:
    listed = httpx.get(f"{link.api}/proxies").json()

    assert {name: proxy["enabled"] for name, proxy in listed.items()} == dict.fromkeys(TARGETS, True)


@pytest.mark.parametrize("name", TARGETS)
def test_a_target_reaches_the_database_by_its_own_proxy_and_no_other(
    name: str, link: Link, leash: Leash, tmp_path: Path
) -> None:
    with (
        serving(name, link, leash, tmp_path) as (client, translation),
        ending(lambda: httpx.post(f"{link.api}/reset").raise_for_status()),
    ):
        healthy = translation.health(name)
        settings = client.get("/settings").json()
        through = client.get("/users/1").status_code
        for proxy in TARGETS:
            httpx.post(f"{link.api}/proxies/{proxy}", json={"enabled": False}).raise_for_status()
        cut = client.get("/users/1").status_code
        httpx.post(f"{link.api}/proxies/{name}", json={"enabled": True}).raise_for_status()
        again = client.get("/users/1").status_code

    assert (healthy, settings["target"]) == (0, name)
    assert (through, cut, again) == (200, 503, 200)


# --- Locust ----------------------------------------------------------------------------------------------


def start_locust(service: str, translation: Translation, leash: Leash, folder: Path, *more: str) -> Child:
    found = services()[service]
    return leash.start(
        [*translation.command([*found["entrypoint"], *found["command"]]), *more],
        env={"PATH": os.defpath, "HOME": str(folder)},
        log_path=folder / f"{service}-{free_port()}.log",
        name=service,
        stop_signal=(signal.SIGINT, signal.SIGTERM),
        cwd=REPOSITORY,
    )


def test_locust_master_and_two_workers_load_a_target(link: Link, leash: Leash, tmp_path: Path) -> None:
    web_port, peer_port = free_port(), free_port()
    translation = Translation(
        {
            "8089": str(web_port),
            "5557": str(peer_port),
            "--master-host=locust-master": f"--master-host={HOST}",
        }
    )
    web = f"http://{HOST}:{web_port}"
    with serving("sync-pool", link, leash, tmp_path) as (client, _):
        unconnected = translation.health("locust-worker")
        only_here = (f"--web-host={HOST}", f"--master-bind-host={HOST}")
        master = start_locust("locust-master", translation, leash, tmp_path, *only_here)
        with ending(master.stop):
            wait_until(lambda: httpx.get(f"{web}/").is_success, "Locust's web UI answers")
            workers = [start_locust("locust-worker", translation, leash, tmp_path) for _ in range(2)]
            with ending(workers[0].stop), ending(workers[1].stop):
                wait_until(lambda: len(statistics(web)["workers"]) == 2, "both workers are known to the master")
                health = [translation.health(service) for service in ("locust-master", "locust-worker")]
                swarm = {"user_count": 4, "spawn_rate": 4, "host": str(client.base_url)}
                httpx.post(f"{web}/swarm", data=swarm).raise_for_status()
                wait_until(lambda: total(web)["num_requests"] >= 20, "twenty requests were answered")
                httpx.post(f"{web}/stop").raise_for_status()
                failures = total(web)["num_failures"]

    assert unconnected == 1
    assert health == [0, 0]
    assert failures == 0


def statistics(web: str) -> dict[str, Any]:
    return dict(httpx.get(f"{web}/stats/requests").raise_for_status().json())


def total(web: str) -> dict[str, Any]:
    (found,) = (entry for entry in statistics(web)["stats"] if entry["name"] == "Aggregated")
    return dict(found)
