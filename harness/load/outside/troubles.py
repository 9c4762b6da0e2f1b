"""What went wrong with a locustfile's users, counted; of each kind the first is kept. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from harness.errors import plain_line

_LONGEST = 200


class Troubles:
    """Counts as they come."""

    def __init__(self) -> None:
        self.silent = 0  # arrivals whose task sends nothing
        self.not_begun_count = 0
        self._first_not_begun = ""
        self._failed_tasks = 0
        self._first_failed_task = ""
        self._waits = 0
        self._longest_wait_ns = 0
        self._elsewhere = 0
        self._first_elsewhere = ""

    def not_begun(self, error: BaseException) -> None:
        """A user could not be made, or its on_start raised."""
        self.not_begun_count += 1
        self._first_not_begun = self._first_not_begun or last_line(error)

    def task_failed(self, error: BaseException) -> None:
        """A task raised; its user goes on."""
        self._failed_tasks += 1
        self._first_failed_task = self._first_failed_task or last_line(error)

    def waited(self, wait_ns: int) -> None:
        """An arrival found no user ready."""
        self._waits += 1
        self._longest_wait_ns = max(self._longest_wait_ns, wait_ns)

    def elsewhere(self, host: str) -> None:
        """Something was to be sent to another machine."""
        self._elsewhere += 1
        self._first_elsewhere = self._first_elsewhere or plain_line(host, _LONGEST)

    def nobody(self) -> str:
        """That no user could be started, and why; empty where nothing was raised."""
        if not self._first_not_begun:
            return ""
        return f"no user of the locustfile could be started; the first: {self._first_not_begun}"

    def told(self, users: int) -> list[str]:
        """In words, of so many users that were to begin."""
        return list(self._told(users))

    def _told(self, users: int) -> Iterator[str]:
        if self.not_begun_count:
            yield (
                f"{self.not_begun_count} of {users} users of the locustfile could not be started; the first: "
                f"{self._first_not_begun}"
            )
        if self._failed_tasks:
            yield f"{self._failed_tasks} exceptions in the locustfile's tasks, the first {self._first_failed_task}"
        if self._elsewhere:
            yield (
                f"{self._elsewhere} connections to other machines were not made, as load stays on this one; the "
                f"first to {self._first_elsewhere}"
            )
        if self.silent:
            yield f"{self.silent} arrivals sent nothing, as the locustfile's tasks are written"
        if self._waits:
            longest_s = self._longest_wait_ns / 1e9
            yield f"{self._waits} arrivals found no user ready and waited for on_start, up to {longest_s:.1f} s"


def last_line(error: BaseException) -> str:
    """An exception as the last line of its traceback says it."""
    return plain_line(f"{type(error).__name__}: {error}", _LONGEST)
