"""The search: propose, compile and measure on an executor, keep what was measured, go on from it."""

from __future__ import annotations

import statistics
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from random import Random as Dice

from ..schedule import Schedule, as_data
from ..statement import For, Function
from ..target import Target
from ..traversal import accesses, loads, walk
from .clock import Inputs, Outcome, Task, host, interval, measure
from .record import Place, Record, append, best, load, replayed, workload
from .space import Candidate, Space, Tunable
from .strategy import Guided, Strategy

Submit = Callable[[Task], Future[Outcome]]

REFUSALS = 20  # candidates that may be refused for each one that is to be measured
BAR = 24  # columns


@dataclass(frozen=True)
class Tuned:
    """The `records` of a search and the schedule of the best; that of the naive loops if there is none."""

    function: Function
    records: tuple[Record, ...]
    interrupted: bool = False

    @property
    def best(self) -> Record | None:
        return best(self.records)

    @property
    def schedule(self) -> Schedule:
        return (self.best and replayed(self.function, self.best)) or Schedule(self.function)

    def __str__(self) -> str:
        counts = Counter(record.verdict for record in self.records)
        found = ", ".join(f"{count} {verdict}" for verdict, count in counts.items())
        time = f"{self.best.seconds:.3g} s with {self.best.choices}" if self.best else "no candidate runs"
        return f"{self.function.name}: {time} ({found}{'; interrupted' if self.interrupted else ''})"


def tune(
    function: Function, rule: Tunable, *, trials: int = 64, strategy: Strategy | None = None,
    executor: Executor | None = None, records: str | Path | None = None, seed: int = 0, batch: int = 8,
    target: Target | None = None, threads: int | None = None, inputs: Inputs | None = None,
    pairs: int = 15, measure: Callable[[Task], Outcome] = measure,
) -> Tuned:  # fmt: skip
    """Search the candidates of `rule` for the fastest loops of `function`.

    Up to `trials` candidates are measured, those in the file `records` among them. The answers that `rule`
    lists first make the first incumbent. A `batch` goes to `executor` (one thread) together; each is checked
    against the naive loops, then timed in up to `pairs` turns with the incumbent, and the fastest that is
    faster beyond noise takes its place. `inputs` gives the arguments; else they are random numbers. Ctrl-C
    ends the search and keeps what was measured. Apart from the clock, `seed` decides everything. Raises
    ValueError and NoCompiler before anything runs.
    """
    if interval([1.0] * pairs)[0] == 0:
        raise ValueError(f"{pairs} pairs show no difference beyond noise: take at least 8")
    if inputs is None:
        require_plain(function)
    with ExitStack() as stack:
        pool = executor or stack.enter_context(ThreadPoolExecutor(1))
        where = pool.submit(host).result()
        target = target or where.target
        place = Place(workload(function), where.machine, target.version, threads or where.cores)
        task = Task(function, function, None, target, place.threads, inputs, pairs)
        search = Search(Space(function, rule, target), place, Path(records) if records else None, trials)
        interrupted = False
        try:
            while proposed := search.propose(strategy or Guided(), batch, seed):
                search.run(proposed, task, lambda each: pool.submit(measure, each))
        except KeyboardInterrupt:
            interrupted = True
        search.progress("\n")
    return Tuned(function, tuple(search.records), interrupted)


def require_plain(function: Function) -> None:
    """Raises ValueError if random arrays are no arguments: there are scalars, or loads that say where."""
    bounds = [end for _, loop in walk(function) if isinstance(loop, For) for end in (loop.lower, loop.upper)]
    places = [*bounds, *(index for each in accesses(function) for index in each.indices)]
    names = [each.name for each in function.parameters if each not in function.buffers]
    if names := [*names, *(load.buffer.name for each in places for load in loads(each))]:
        what = f"'{names[0]}' of '{function.name}' cannot be drawn at random"
        raise ValueError(f"{what}: pass inputs=, a function that gives the arguments")


class Search:
    """The records at one place, those of earlier searches among them, and what is left of the space."""

    def __init__(self, space: Space, place: Place, path: Path | None, trials: int) -> None:
        self.space, self.place, self.path, self.trials = space, place, path, trials
        known = [each for each in (load(path) if path else []) if each.place == place]
        self.records = [each for each in known if not each.seconds or replayed(space.function, each)]
        for each in self.records:
            space.close(each.choices)

    @property
    def measured(self) -> int:
        return sum(record.verdict != "refused" for record in self.records)

    def propose(self, strategy: Strategy, batch: int, seed: int) -> list[Candidate]:
        """The next candidates, at first the one of the options listed first; none if it is over."""
        self.progress()
        count = min(batch, self.trials - self.measured)
        if count <= 0 or len(self.records) >= REFUSALS * self.trials:
            return []
        if best(self.records) is None:
            return self.space.take(lambda name, options: options[0])
        return strategy.propose(self.space, self.records, count, Dice(f"{seed} {len(self.records)}"))

    def run(self, proposed: Sequence[Candidate], task: Task, submit: Submit) -> None:
        """Measure candidates against the incumbent. What is done is kept, whatever happens."""
        against = best(self.records)
        schedule = replayed(self.space.function, against) if against else None
        task = replace(task, incumbent=schedule.function if schedule else None)
        waiting: list[tuple[Candidate, Future[Outcome]]] = []
        try:
            for each in proposed:
                if each.refusal:
                    self.note(each, Outcome("refused", reason=each.refusal), against)
                else:
                    waiting.append((each, submit(replace(task, candidate=each.schedule.function))))
            while waiting:
                self.note(waiting[0][0], waiting[0][1].result(), against)
                del waiting[0]
                self.progress()
        except BaseException:
            for each, future in waiting:
                if future.cancel() or not future.done() or future.exception():
                    continue
                if future.result().verdict != "failed":  # Ctrl-C reaches the C compiler as well
                    self.note(each, future.result(), against)
            raise

    def note(self, candidate: Candidate, outcome: Outcome, against: Record | None) -> None:
        """Keep an outcome, in the file first."""
        pairs = [list(pair) for pair in outcome.pairs]
        ratio = statistics.median([one / other for one, other in pairs]) if pairs else 0.0
        base = against.seconds if against else statistics.median([one for one, _ in pairs] or [0.0])
        record = Record(
            **asdict(self.place),
            choices={name: as_data(value) for name, value in candidate.choices.items()},
            trace=[asdict(step) for step in candidate.schedule.trace],
            **{**asdict(outcome), "pairs": pairs}, seconds=base * ratio,
        )  # fmt: skip
        if self.path:
            append(self.path, record)
        self.records.append(record)

    def progress(self, end: str = "") -> None:
        """A bar on stderr, if that is a terminal."""
        if sys.stderr.isatty():
            found, full = best(self.records), "#" * (BAR * self.measured // self.trials)
            time = f"  best {found.seconds:.3g} s" if found else ""
            bar = f"\r[{full:-<{BAR}}] {self.measured}/{self.trials}{time}"
            print(bar, end=end, file=sys.stderr, flush=True)
