"""The load shape by which stock Locust follows a scenario. Import this only under Locust."""

from __future__ import annotations

from locust import LoadTestShape

from scenarios.model import Scenario


class PhaseShape(LoadTestShape):
    """Makes stock Locust follow the closed phases of `scenario`: so many users, for so long, then stop.

    Open arrivals have no counterpart in a stock user count; scenarios built of them leave it to the person
    at the web UI.
    """

    abstract = True
    scenario: Scenario

    def tick(self) -> tuple[int, float] | None:
        """Users and spawn rate for the moment, or None when the last phase is over."""
        elapsed_s = float(self.get_run_time())  # type: ignore[no-untyped-call]
        for phase in self.scenario.phases:
            if elapsed_s < phase.duration_s:
                users = phase.users or 1
                return users, float(users)
            elapsed_s -= phase.duration_s
        return None
