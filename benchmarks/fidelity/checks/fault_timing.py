"""Faults on time: when does a probe first see what was to happen at a planned moment?"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from benchmarks.fidelity.base import Bench, Check, Figure, NotMeasuredError, Outcome
from benchmarks.fidelity.prober import Order, Seen
from benchmarks.fidelity.statistics import Estimate, median_estimate, percentile
from harness.environment.children import module_command, python_environment
from harness.environment.parts import Parts
from harness.environment.stack import StackOptions, running_stack
from harness.environment.toxiproxy import Proxy
from harness.injection import injecting
from harness.journal import Journal
from harness.probe import Reach
from harness.store import TrialFolder
from harness.timeline import Action, FaultStep, fault_steps
from scenarios.model import PRIMARY_LINK, Arrivals, FaultSpec, Phase, Scenario

LATENCY_MS = 12
SPACING_S = 0.25
LEAD_NS, TAIL_NS, DENSE_NS, EVERY_NS = 2_000_000, 110_000_000, 25_000_000, 1_000_000
WITHIN_MS = 20.0
KINDS = {"proxy-down": {}, "latency": {"latency_ms": LATENCY_MS}}
HEAD_START_NS = 1_500_000_000
"""The prober's Python has to start meanwhile."""

INJECTIONS = 60
"""Of each kind, for a whole run."""


@dataclass(frozen=True, slots=True)
class Late:
    """One step: how long after plan its effect was seen; None where it never was."""

    kind: str
    action: Action
    late_ms: float | None


def scenario_of(injections: int) -> Scenario:
    """A phase a kind of fault, with so many injections, each healed after as long as it lasts."""
    phases = tuple(
        Phase(
            name=kind,
            duration_s=injections * SPACING_S,
            arrivals=Arrivals(rate_per_s=1),
            faults=tuple(
                FaultSpec(kind=kind, at_s=(n + 0.25) * SPACING_S, duration_s=SPACING_S / 2, settings=settings)
                for n in range(injections)
            ),
        )
        for kind, settings in KINDS.items()
    )
    return Scenario(name="faults", title="Faults", question="Are they on time?", phases=phases)


def effect_at_ns(step: FaultStep, planned_ns: int, seen: Sequence[Seen]) -> int | None:
    """When the probes first show the step's effect; None where none does.

    A refused or a quick answer shows it when it is there. An answer that was held back shows that the fault was in
    force before the holding back began, which is its length earlier.
    """
    found = []
    for probe in seen:
        if not planned_ns - LEAD_NS <= probe.sent_ns <= planned_ns + TAIL_NS:
            continue
        answered = probe.reach == Reach.ANSWERED
        slow = probe.took_ms >= LATENCY_MS - 1
        if step.kind == "proxy-down":
            if (step.action is Action.INJECT and probe.reach == Reach.REFUSED) or (
                step.action is Action.HEAL and answered
            ):
                found.append(probe.over_ns)
        elif answered and step.action is Action.INJECT and slow:
            found.append(probe.over_ns - LATENCY_MS * 1_000_000)
        elif answered and step.action is Action.HEAL and not slow:
            found.append(probe.over_ns)
    return min(found, default=None)


def lateness(steps: Sequence[FaultStep], origin_ns: int, seen: Sequence[Seen]) -> list[Late]:
    """Each step's lateness by the probes around its planned moment."""
    late = []
    for step in steps:
        planned_ns = origin_ns + step.at_ns
        effect_ns = effect_at_ns(step, planned_ns, seen)
        late.append(Late(step.kind, step.action, None if effect_ns is None else (effect_ns - planned_ns) / 1e6))
    return late


def judge(late: Sequence[Late]) -> tuple[Figure, ...]:
    """p99 of the distance from plan, of injections and of healings; none may go unseen."""
    unseen = sum(step.late_ms is None for step in late)
    figures = [
        Figure("steps whose effect no probe saw", Estimate.exact(float(unseen)), f"of {len(late)}", at_most=0)
    ]
    for action in Action:
        distances = [abs(step.late_ms) for step in late if step.action is action and step.late_ms is not None]
        if not distances:
            raise NotMeasuredError(f"no {action} was seen by any probe")
        name = f"{action}: distance from plan, p99 of {len(distances)}"
        figures.append(Figure(name, Estimate.exact(percentile(distances, 99)), "ms", at_most=WITHIN_MS))
    for kind in KINDS:
        for action in Action:
            values = [s.late_ms for s in late if (s.kind, s.action) == (kind, action) and s.late_ms is not None]
            if values:
                figures.append(Figure(f"{kind}, {action}: after plan, median", median_estimate(values), "ms"))
    return tuple(figures)


def run(bench: Bench) -> Outcome:
    scenario = scenario_of(bench.rounds(INJECTIONS, 15))
    steps = fault_steps(scenario)
    path = bench.folder / "faults"
    path.mkdir()
    folder = TrialFolder(path)
    with running_stack(StackOptions(), bench.say) as stack, stack.proxy_to_database("faults") as proxy:
        origin_ns = time.monotonic_ns() + HEAD_START_NS
        child = bench.leash.start(
            module_command("benchmarks.fidelity.prober"),
            env=python_environment(),
            log_path=bench.folder / "prober.log",
            name="the prober",
            stdin=True,
            stdout=True,
        )
        try:
            child.tell(json.dumps(asdict(_order(proxy, steps, origin_ns))))
            journal = Journal(folder)
            journal.begin_at(origin_ns)
            with injecting(steps, Parts({PRIMARY_LINK: proxy}), journal) as injection:
                bench.say(f"{len(steps)} steps in {scenario.duration_s:g} s")
                seen = [Seen(**json.loads(line)) for line in child.lines()]
            injection.check()
        finally:
            child.stop()
            folder.close()
    if not seen:
        raise NotMeasuredError(child.end_description())
    return Outcome(judge(lateness(steps, origin_ns, seen)))


def _order(proxy: Proxy, steps: Sequence[FaultStep], origin_ns: int) -> Order:
    planned_ns = [origin_ns + step.at_ns for step in steps]
    return Order(proxy.host, proxy.port, planned_ns, LEAD_NS, TAIL_NS, DENSE_NS, EVERY_NS)


CHECK = Check(
    name="fault-timing",
    title="Faults on time",
    claim="Faults are injected and healed within 20 ms (p99) of plan, measured by the probe.",
    method=(
        "The harness injects and heals proxy-down and latency in turn, as in a trial, while a process of its own "
        "sends a probe through the proxy each millisecond around each planned moment, every probe on a "
        "connection of its own. A step has happened when the first probe shows it: refused or answered for "
        f"proxy-down, answered late or promptly for latency ({LATENCY_MS} ms, less its own delay)."
    ),
    run=run,
)
