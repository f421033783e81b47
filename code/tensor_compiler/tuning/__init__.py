"""Tuning: search over the choices that a schedule rule declares, with a clock that decides and a log.

A tunable rule is a schedule rule that asks: `rows = choose("rows", (2, 4, 8))`. Each answer to all that it
asks is a candidate. What it asks next may depend on the answers so far.

- `space` the candidates as a tree of answers, in which none comes twice; `strategy` which one is next.
- `cost` a loop function as a few numbers, from which the guided strategy predicts its time.
- `clock` measures a candidate against the naive loops first, then against the incumbent on one clock.
- `record` what was found, as lines of JSON: they replay, and `best_schedules` hands them to `compile`.
- `tuner.tune` all together, on any `concurrent.futures.Executor`.
"""

from .clock import Host, Outcome, Task, host, measure
from .cost import features
from .record import Record, best_schedules, load, workload
from .space import Candidate, Choose, Space, Tunable
from .strategy import Evolutionary, Guided, Random, Strategy
from .tuner import Tuned, tune

__all__ = [
    "Candidate", "Choose", "Evolutionary", "Guided", "Host", "Outcome", "Random", "Record", "Space",
    "Strategy", "Task", "Tunable", "Tuned", "best_schedules", "features", "host", "load", "measure", "tune",
    "workload",
]  # fmt: skip
