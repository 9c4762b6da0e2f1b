from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from harness.environment.readiness import PortTakenError, on_a_free_port, wait_until_ready
from harness.errors import EnvironmentSetupError


@dataclass
class Server:
    """A child that lives for so many looks, and its log."""

    lives: int = 1000
    log: str = ""
    name: str = "server"

    def alive(self) -> bool:
        self.lives -= 1
        return self.lives >= 0

    def tail_of_log(self, lines: int = 1) -> str:
        return self.log

    def last_words(self) -> str:
        return f"; its last words: {self.log}"

    def end_description(self) -> str:
        return f"server ended with exit code 1{self.last_words()}"


def wait(server: Any, answers: list[str], within_s: float = 5.0) -> None:
    wait_until_ready(
        server, lambda left_s: answers.pop(0), within_s=within_s, every_s=0.0, port_taken="could not bind"
    )


def test_it_is_asked_until_the_answer_is_empty() -> None:
    answers = ["refused", "refused", "", "never asked"]
    wait(Server(), answers)
    assert ["never asked"] == answers


def test_one_that_never_gets_ready_is_told_of_with_what_was_seen_and_its_last_words() -> None:
    with pytest.raises(
        EnvironmentSetupError, match=r"server was not ready in 0 s .*its last words: still loading"
    ):
        wait(Server(log="still loading"), [], within_s=0.0)


def test_one_that_ends_is_told_of_at_once() -> None:
    with pytest.raises(EnvironmentSetupError, match="did not start: server ended with exit code 1") as caught:
        wait(Server(lives=1, log="no room"), ["refused"])
    assert not isinstance(caught.value, PortTakenError)


def test_one_whose_port_was_taken_says_so_by_its_kind() -> None:
    with pytest.raises(PortTakenError):
        wait(Server(lives=0, log="could not bind IPv4 address"), [])


def test_another_port_is_tried_where_one_was_taken() -> None:
    tried: list[int] = []

    def start(port: int) -> str:
        tried.append(port)
        if len(tried) < 3:
            raise PortTakenError("taken")
        return "up"

    assert "up" == on_a_free_port(start)
    assert 3 == len(set(tried))


def test_it_is_not_tried_for_ever_and_not_where_another_port_would_not_help() -> None:
    tried: list[int] = []

    def start(port: int, error: type[Exception]) -> None:
        tried.append(port)
        raise error("taken")

    with pytest.raises(PortTakenError):
        on_a_free_port(lambda port: start(port, PortTakenError), tries=4)
    assert 4 == len(tried)
    with pytest.raises(EnvironmentSetupError):
        on_a_free_port(lambda port: start(port, EnvironmentSetupError))
    assert 5 == len(tried)
