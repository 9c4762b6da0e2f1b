"""What a row of the failure catalogue is, beside its two apps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from scenarios.model import Scenario

Sign = Literal["failures", "slow", "opened", "not-returned", "longest", "all-routes"]
"""By what one sees that a failure was brought out, without a rule: in the broken app and not in the cured one

- failures: a share of requests fails
- slow: successes take much longer, at the median or in the tail
- opened: connections are opened for many of the requests
- not-returned: connections are still out after the drain
- longest: the longest request takes much longer until it ends, however it ends
- all-routes: of every route requests fail, also of those that could do without the database
"""


@dataclass(frozen=True, slots=True)
class Failure:
    """A failure, and what brings it out.

    `id` is the catalogue's; `targets.failures.<id, with underscores>` has the apps `broken` and `cured`, which
    differ in the cure only. `scenario` has visitors, who read `paths`, or users of a locustfile, which the
    declaring file then is. `environment` is given to both apps, `cure` to the cured one only, where the cure is a
    setting. `also` are ids that may be named beside it, as both are true of the broken app; `remains` are those
    that are true of the cured one too. `still_fails` is False where today's versions no longer fail: then neither
    app may be named so.
    """

    id: str
    scenario: Scenario
    cured_by: str  # one sentence: what differs
    sign: Sign
    paths: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    cure: Mapping[str, str] = field(default_factory=dict)
    also: frozenset[str] = frozenset()
    remains: frozenset[str] = frozenset()
    still_fails: bool = True

    @property
    def module(self) -> str:
        """The name of its files."""
        return self.id.replace("-", "_")

    @property
    def has_own_users(self) -> bool:
        """Whether its file is a locustfile too."""
        return any(phase.behaviour == "locustfile" for phase in self.scenario.phases)
