"""A synthetic trial in which everything is right, drawn by chance from a seed; tests plant one anomaly in it."""

from __future__ import annotations

import random
import uuid
from collections import Counter
from dataclasses import dataclass, field

from harness.records import (
    Bank,
    BankReading,
    Closing,
    DatabaseReading,
    Outcome,
    PoolReading,
    Reading,
    Stored,
    TargetInfo,
    TrialRecord,
    TrialSpec,
    TrialState,
    Write,
)
from reports.oracles.cases import Case, Disturbance, Return, Wait
from reports.oracles.history import read_history
from reports.read import Trial
from tests.unit.reports.builder import CREATED_AT, ns, pool_reading

MS = 1_000_000
TOTAL_CENTS = 100_000_000
LIMIT, SIZE, TIMEOUT_S = 30, 10, 0.1
LENGTH_S = 20


@dataclass
class World:
    """One trial, still open to change. `sent` is told by `case` from what was written, unless it is set."""

    rng: random.Random
    writes: list[Write] = field(default_factory=list)
    reads: list[Write] = field(default_factory=list)
    stored: list[str] = field(default_factory=list)
    readings: list[Reading] = field(default_factory=list)
    pool_at_end: PoolReading = field(default_factory=lambda: pool_reading(LENGTH_S, 0, checkouts_total=900))
    sessions_at_end: DatabaseReading | None = None
    pool_beside_sessions: PoolReading | None = None
    negative_balances: int = 0
    total_after_cents: int = TOTAL_CENTS
    waits: list[Wait] = field(default_factory=list)
    returns: list[Return] = field(default_factory=list)
    disturbances: list[Disturbance] = field(default_factory=list)
    not_in_history: int = 0
    dropped: int = 0

    def of(self, *outcomes: Outcome) -> Write:
        """Any write that ended so."""
        return self.rng.choice([write for write in self.writes if write.outcome in outcomes])

    def any_reading(self, kind: type[Reading]) -> int:
        """The place of one in the middle of those of a kind."""
        places = [place for place, reading in enumerate(self.readings) if isinstance(reading, kind)]
        return self.rng.choice(places[3:-3])

    def change(self, place: int, **fields: object) -> None:
        """Replace fields of one reading."""
        self.readings[place] = self.readings[place].model_copy(update=fields)

    def case(self) -> Case:
        """What the oracles are asked about."""
        record = TrialRecord(
            spec=TrialSpec(id="000-x-a-r1", index=0, scenario="x", target="a", repetition=1),
            state=TrialState.COMPLETED,
            started_at=CREATED_AT,
            duration_s=LENGTH_S,
            origin_monotonic_ns=0,
            target=TargetInfo(
                name="a",
                title="a",
                teaches="",
                settings={"pool_size": SIZE, "max_overflow": LIMIT - SIZE, "pool_timeout_s": TIMEOUT_S},
            ),
            pool_at_end=self.pool_at_end,
            sessions_before=sessions(0, 3),
            sessions_at_end=self.sessions_at_end,
            pool_beside_sessions=self.pool_beside_sessions,
            bank=Bank(
                total_before_cents=TOTAL_CENTS,
                total_after_cents=self.total_after_cents,
                transfers_stored=len(self.stored),
                transfers_acknowledged=sum(write.outcome is Outcome.OK for write in self.writes),
                negative_balances=self.negative_balances,
            ),
            closing=Closing(writes_dropped=self.dropped),
        )
        trial = Trial(
            record,
            readings=tuple(sorted(self.readings, key=lambda reading: reading.t_ns)),
            writes=[*self.writes, *self.reads],
            stored=[Stored(token=token) for token in self.stored],
        )
        sent = Counter(entry.operation for entry in (*self.writes, *self.reads))
        sent["transfer"] += self.not_in_history
        return Case(
            trial=trial,
            history=read_history(trial, sent),
            waits=tuple(self.waits),
            returns=tuple(self.returns),
            disturbances=tuple(self.disturbances),
        )


def sessions(t_s: float, total: int, idle_in_transaction: int = 0) -> DatabaseReading:
    """PostgreSQL's sessions, idle but for those."""
    idle = total - idle_in_transaction
    return DatabaseReading(t_ns=ns(t_s), active=0, idle=idle, idle_in_transaction=idle_in_transaction, total=total)


def write_of(token: str, sent_ns: int, outcome: Outcome, took_ns: int) -> Write:
    """A transfer; one whose answer was lost has none."""
    lost = outcome in (Outcome.UNKNOWN, Outcome.ABORTED)
    return Write(
        token=token,
        operation="transfer",
        phase="steady",
        sent_ns=sent_ns,
        answered_ns=None if lost else sent_ns + took_ns,
        outcome=outcome,
        kind="-" if outcome is Outcome.OK else "some-kind",
    )


def read_of(write: Write, after_ns: int, seen: bool | None, took_ns: int = MS) -> Write:
    """A read that looks for a write, so long after its answer."""
    sent_ns = (write.answered_ns or 0) + after_ns
    return Write(
        token=write.token,
        operation="read_transfer",
        phase="steady",
        sent_ns=sent_ns,
        answered_ns=sent_ns + took_ns,
        outcome=Outcome.OK if seen else Outcome.FAILED,
        kind="-" if seen else "not-found",
        action="read",
        seen=seen,
    )


def good_world(seed: int) -> World:
    """Everything is right: transfers of every ending, each that was acknowledged looked for and found."""
    rng = random.Random(seed)
    world = World(rng)
    endings = [Outcome.OK] * 80 + [Outcome.REFUSED] * 6 + [Outcome.FAILED] * 4 + [Outcome.UNKNOWN] * 6
    for ending in (*rng.sample(endings, len(endings)), Outcome.ABORTED, Outcome.UNKNOWN, Outcome.REFUSED):
        token = str(uuid.UUID(int=rng.getrandbits(128), version=4))
        write = write_of(token, rng.randrange(ns(LENGTH_S)), ending, rng.randrange(1, 50 * MS))
        world.writes.append(write)
        if ending is Outcome.OK or (write.answered_ns is None and rng.random() < 0.5):
            world.stored.append(token)
        if ending is Outcome.OK:
            world.reads.append(read_of(write, rng.randrange(10 * MS), True))
    rng.shuffle(world.stored)
    world.readings.append(pool_reading(-0.1, 0))
    for tenth in range(1, 10 * LENGTH_S):
        out = rng.randint(0, LIMIT)
        world.readings.append(pool_reading(tenth / 10, out))
        if tenth % 2 == 0:
            world.readings.append(sessions(tenth / 10, rng.randint(SIZE, LIMIT)))
        if tenth % 10 == 0:
            world.readings.append(money(tenth / 10))
    world.sessions_at_end = sessions(LENGTH_S, rng.randint(0, world.pool_at_end.checked_in))
    world.waits = [
        Wait("transfer in steady", rng.randint(50, 500), rng.uniform(0, 100 + 20), rng.uniform(20, 40)),
        Wait("transfer refused in steady", rng.randint(5, 50), rng.uniform(100, 160), 0.0, refused=True),
    ]
    world.returns = [
        Return("steady", "proxy-down", 200, 8000.0, 100, rng.uniform(0, 90), rng.uniform(90, 900), None)
    ]
    world.disturbances = [Disturbance(ns(5), ns(6))]
    return world


def money(t_s: float, total_cents: int = TOTAL_CENTS) -> BankReading:
    """The sum at a moment."""
    return BankReading(t_ns=ns(t_s), total_cents=total_cents, negative_balances=0, transfers=0)
