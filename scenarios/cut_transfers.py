"""Transfers that never meet, while connections are cut again and again: is half of one ever stored?"""

from scenarios.model import Check, FaultSpec, Phase, Scenario, under_locust

TELLERS = 8
CUTS = ("reset-peer", "proxy-down") * 4

SCENARIO = Scenario(
    name="cut-transfers",
    title="Transfers cut in the middle",
    question="Is a transfer whose connection is cut stored as a whole, or not at all?",
    phases=(
        Phase(name="warm-up", duration_s=0.4, users=2, behaviour="bookkeeper", warmup=True),
        Phase(
            name="cut",
            duration_s=4.4,
            users=TELLERS,
            behaviour="bookkeeper",
            faults=tuple(
                FaultSpec(kind=kind, at_s=0.3 + 0.5 * number, duration_s=0.25) for number, kind in enumerate(CUTS)
            ),
        ),
    ),
    checks=(Check(kind="money-is-conserved"), Check(kind="no-leaked-connections")),
)

if under_locust():
    from scenarios import users

    class CutTransfersUser(users.Bookkeeper):
        """`locust -f scenarios/cut_transfers.py -H URL -u 8`; break the proxy by hand (see `poolstorm serve`)."""
