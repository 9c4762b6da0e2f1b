"""The follower writes, then looks for its own write, one request a call, and gives up in the end."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = '''
import locust
from scenarios import tasks, users
from scenarios.http_client import Response

class Client:
    """Answers from a list of statuses, and notes what was asked."""
    def __init__(self, statuses):
        self.statuses, self.asked = list(statuses), []
    def _answer(self):
        return Response(self.statuses.pop(0), {}, b"", None, 0, 1)
    def post(self, path, *, json, name, token):
        self.asked.append(("write", token))
        return self._answer()
    def get(self, path, *, name, looks_for, seen):
        answer = self._answer()
        self.asked.append((seen(answer), looks_for))
        assert path == f"/transfers/{looks_for}"
        return answer

def ask(statuses):
    user = users.Follower.__new__(users.Follower)
    user.waiting, user.client = users.deque(), Client(statuses)
    for number in range(len(statuses)):
        tasks.follow(user)
        assert number + 1 == len(user.client.asked)
    return user.client.asked

seen_at_last = ask([201, 404, 503, 200, 201])
assert ["write", False, None, True, "write"] == [what for what, _ in seen_at_last]
assert 1 == len({token for _, token in seen_at_last[:4]})
assert seen_at_last[0][1] != seen_at_last[4][1]

refused = ask([503, 409, 0, 201, 200])
assert ["write", "write", "write", "write", True] == [what for what, _ in refused]

given_up = ask([201, *[404] * tasks.MOST_MISSES, 201])
assert ["write", *[False] * 20, "write"] == [what for what, _ in given_up]
'''


def test_a_follower_looks_for_what_was_acknowledged_until_it_is_there_or_given_up() -> None:
    # In a process of its own: importing Locust patches the standard library.
    root = Path(__file__).parents[3]
    ended = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=root, capture_output=True, text=True, timeout=60, check=False
    )
    assert 0 == ended.returncode, ended.stderr
