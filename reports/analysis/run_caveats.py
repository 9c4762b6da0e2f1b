"""What limits a run as a whole: trials that do not count, an end before its time, remarks of the harness."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from harness.records import RunState, TrialState
from reports.analysis.folding import Observed
from reports.read import Run
from reports.summary import Caveat, ScenarioResult

FEWEST_REPETITIONS = 3

_ENDS = {
    TrialState.FAILED.value: (
        "failed",
        "See target.log and load.log in the trial's folder, mend the cause and run it again.",
    ),
    TrialState.ABORTED.value: ("was aborted", "Run it again without interrupting it."),
    TrialState.INVALID.value: ("is invalid and left out", "Remove the cause and run it again."),
}
"""How a trial that is not counted ended, in words, and what to try."""


def about_trials(run: Run, scenarios: Sequence[ScenarioResult]) -> Iterator[Caveat]:
    for scenario in scenarios:
        for target in scenario.targets:
            for line in target.trials:
                if line.state in _ENDS:
                    ended, advice = _ENDS[line.state]
                    reason = (line.reason or "no reason was recorded").rstrip(".")
                    yield Caveat(
                        code=f"trial-{line.state}",
                        scope=f"{scenario.name}/{target.target}",
                        text=f"Repetition {line.repetition} {ended}: {reason}.",
                        advice=line.advice or advice,
                    )
    if run.missing:
        yield _about_missing(run)
    if run.partial:
        yield Caveat(
            code="trial-partial",
            scope="run",
            text=f"{len(run.partial)} trial folders were left half-written and are ignored.",
            advice="They belong to a run that is going on or was killed; they may be removed once it has ended.",
        )


def _about_missing(run: Run) -> Caveat:
    """A run that finished has kept a folder of each, also of those that failed: what is not there was lost."""
    listed = ", ".join(spec.id for spec in run.missing[:5]) + (", ..." if len(run.missing) > 5 else "")
    count = f"{len(run.missing)} of {len(run.manifest.trials)} planned trials"
    if run.manifest.state is RunState.FINISHED:
        text = f"The run finished, and the folders of {count} are no longer there: {listed}."
        advice = "Put them back (as folders, no links), or repeat the run to have them all."
    else:
        text = f"{count} were not run: {listed}."
        advice = "Repeat the run to have them all."
    return Caveat(code="trials-missing", scope="run", text=text, advice=advice)


def about_run(run: Run) -> Iterator[Caveat]:
    if run.manifest.state is not RunState.FINISHED:
        why = f": {run.manifest.reason.rstrip('.')}" if run.manifest.reason else ""
        yield Caveat(
            code="run-unfinished",
            scope="run",
            text=f"The run is recorded as {run.manifest.state.value}, not as finished{why}.",
            advice="Report it again when it has finished, or repeat it.",
        )
    if run.manifest.repetitions < FEWEST_REPETITIONS:
        count = "once" if run.manifest.repetitions == 1 else f"{run.manifest.repetitions} times"
        yield Caveat(
            code="few-repetitions",
            scope="run",
            text=f"Each trial was run {count}, so ratios have little or no spread to judge them by.",
            advice=f"Use --repetitions {FEWEST_REPETITIONS} or more before deciding on small differences.",
        )


def about_notes(usable: Mapping[tuple[str, str], Sequence[Observed]]) -> Iterator[Caveat]:
    """What the harness itself remarked of trials that count."""
    for (scenario, target), observed in usable.items():
        notes = [f"repetition {one.repetition}, {note}" for one in observed for note in one.trial.record.notes]
        if notes:
            text = "; ".join(notes)
            yield Caveat(
                code="trial-note",
                scope=f"{scenario}/{target}",
                text=f"{text[0].upper()}{text[1:].rstrip('.')}.",
                advice="Run it again where that matters.",
            )
