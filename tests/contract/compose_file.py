"""Reads docker-compose.yml, Dockerfile and docker/toxiproxy.json as far as tests need it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

REPOSITORY = Path(__file__).parents[2]
COMPOSE_FILE = REPOSITORY / "docker-compose.yml"
DOCKERFILE = REPOSITORY / "Dockerfile"
TOXIPROXY_FILE = REPOSITORY / "docker" / "toxiproxy.json"
PASSWORD_VARIABLE = "POOLSTORM_POSTGRES_PASSWORD"

_VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?::(?P<operator>[-?])(?P<rest>[^}]*))?\}")


class MissingVariableError(Exception):
    """A variable that the file requires is not set."""


def interpolate(value: Any, variables: Mapping[str, str]) -> Any:
    """Fill in `${NAME}`, `${NAME:-default}` and `${NAME:?message}` in all of `value`, as specified."""
    if isinstance(value, dict):
        return {key: interpolate(inner, variables) for key, inner in value.items()}
    if isinstance(value, list):
        return [interpolate(inner, variables) for inner in value]
    return _VARIABLE.sub(lambda match: _fill(match, variables), value) if isinstance(value, str) else value


def _fill(match: re.Match[str], variables: Mapping[str, str]) -> str:
    found = variables.get(match["name"], "")
    if not found and match["operator"] == "?":
        raise MissingVariableError(f"{match['name']}: {match['rest']}")
    return found or (match["rest"] if match["operator"] == "-" else "") or ""


def raw_compose() -> dict[str, Any]:
    """The file as written, anchors and merges resolved."""
    document = yaml.safe_load(COMPOSE_FILE.read_text())
    assert isinstance(document, dict)
    return document


def services(**variables: str) -> dict[str, dict[str, Any]]:
    """All services with `variables` filled in; the password is given already."""
    filled = interpolate(raw_compose()["services"], {PASSWORD_VARIABLE: "given", **variables})
    assert isinstance(filled, dict)
    return filled


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction of a Dockerfile, its lines joined."""

    name: str
    text: str

    def exec_form(self) -> list[str]:
        """The words of the JSON form that ENTRYPOINT, CMD and HEALTHCHECK end with."""
        words = json.loads(self.text[self.text.index("[") :])
        assert isinstance(words, list)
        return words


def dockerfile() -> list[Instruction]:
    """The instructions in order."""
    lines = [line for line in DOCKERFILE.read_text().splitlines() if not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    found = [line.split(maxsplit=1) for line in joined.splitlines() if line.strip()]
    return [Instruction(name, text) for name, text in found]


def instruction(name: str) -> Instruction:
    """The only instruction of that name."""
    (found,) = (each for each in dockerfile() if each.name == name)
    return found


def toxiproxy_config() -> list[dict[str, Any]]:
    """The proxies that the server starts with."""
    proxies = json.loads(TOXIPROXY_FILE.read_text())
    assert isinstance(proxies, list)
    return proxies
