"""The recording: the product of measuring. Everything after it is a pure function of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pinchpoint.model.app import App, Deployment
from pinchpoint.model.sample import Sample
from pinchpoint.model.span import Hold, Trace
from pinchpoint.model.workload import (
    Arrivals,
    SkippedRoute,
    Workload,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """One node of a plan that reads a table.

    Attributes:
        table: Its name.
        columns: The columns that the filter compares with a value; empty if none are known.
        table_rows: Rows of the table as the database estimates; -1 if unknown.
        read_rows: Rows that the node read (kept and removed); -1 if the plan was not executed.
        kept_rows: Rows that passed the filter; -1 as above.
        uses_index: False for a full scan.
        time_s: Time of the node when it was explained; 0 if unknown.
        sort_columns: Columns that the rows are sorted by afterwards.
    """

    table: str
    columns: tuple[str, ...] = ()
    table_rows: int = -1
    read_rows: int = -1
    kept_rows: int = -1
    uses_index: bool = True
    time_s: float = 0.0
    sort_columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How the database executes one statement; literals are masked.

    Attributes:
        statement: Text with placeholders, as in `Span.name`.
        system: `postgresql` or `sqlite`.
        lines: For the reader.
        scans: The tables that it reads.
        time_s: Execution time when it was explained; 0 if unknown.
    """

    statement: str
    system: str
    lines: tuple[str, ...] = ()
    scans: tuple[Scan, ...] = ()
    time_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceSample:
    """One resource over one step.

    Attributes:
        resource: `app`, `database`, `generator`, `machine`, or `run`: everything that belongs
            to the run, the database included.
        cpu_s: CPU time that it used in the step.
        wait_s: Time that its threads were runnable without a CPU.
        capacity_s: CPU time that there was: cores times duration.
    """

    resource: str
    cpu_s: float
    wait_s: float = 0.0
    capacity_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratorState:
    """How well the load generator kept its schedule in one step.

    Attributes:
        lag_p50_s: From an arrival's scheduled start to when it was taken up: the median.
        lag_p99_s: Of the same, the 99th percentile.
        lag_max_s: Of the same, the largest.
        involuntary_switches: How often the system took the CPU away from the generator.
        busiest_cpu_ratio: CPU time of its busiest process, of one core.
        exhausted: Requests that found no descriptor or port left on the machine.
    """

    lag_p50_s: float
    lag_p99_s: float
    lag_max_s: float
    involuntary_switches: int
    busiest_cpu_ratio: float
    exhausted: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class JourneyCount:
    """What became of the virtual clients of one journey in one step.

    Attributes:
        name: Of the journey.
        begun: Clients that arrived.
        completed: Clients that came to the end.
        cut: Clients that were on their way when the step ended.
        broken: What ended the journeys of the others, such as `request 2: status 500`.
    """

    name: str
    begun: int
    completed: int
    cut: int
    broken: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One load, offered for one time.

    Attributes:
        purpose: `walk`, `warm-up`, `sweep`, `plateau`, `confirm`, `slo`, `pin` or `overhead`.
        arrivals: The open-loop schedule; None in a closed loop.
        in_flight: Requests kept in flight in a closed loop; 0 in an open loop.
        start_ns: CLOCK_MONOTONIC.
        duration_s: For which load was offered.
        samples: What the client saw.
        traces: What the probe saw; empty when it was dormant.
        holds: Who held what, when.
        resources: CPU use in this step.
        lost_records: Records that the probe overwrote before they were read.
        database_active_s: For which the databases were executing statements by their own
            account, summed over sessions; -1 if they give none.
        generator: How the generator did; None if it does not say.
        journeys: What became of the virtual clients.
        invalid: Why its figures cannot be used; empty if they can.
    """

    purpose: str
    start_ns: int
    duration_s: float
    arrivals: Arrivals | None = None
    in_flight: int = 0
    samples: tuple[Sample, ...] = ()
    traces: tuple[Trace, ...] = ()
    holds: tuple[Hold, ...] = ()
    resources: tuple[ResourceSample, ...] = ()
    lost_records: int = 0
    database_active_s: float = -1.0
    generator: GeneratorState | None = None
    journeys: tuple[JourneyCount, ...] = ()
    invalid: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeState:
    """What the probe says of itself.

    Attributes:
        hooked: Libraries that it observes, with their versions.
        failures: Hooks that did not fit; what they observe will show as own code.
        workers: Processes of the application that reported.
        development_server: What it runs under, if that is one for development.
        instruments: Other tools in its process that observe it, such as `Sentry`.
        is_debug: It runs in its framework's debug mode.
    """

    hooked: Mapping[str, str] = field(default_factory=dict)
    failures: tuple[str, ...] = ()
    workers: tuple[int, ...] = ()
    development_server: str = ""
    instruments: tuple[str, ...] = ()
    is_debug: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """All that was measured in one run.

    Attributes:
        is_outside: No probe was inside: there are answers and their times, but no causes.
    """

    app: App
    deployment: Deployment
    workload: Workload
    steps: tuple[Step, ...]
    plans: tuple[Plan, ...] = ()
    skipped: tuple[SkippedRoute, ...] = ()
    probe: ProbeState = field(default_factory=ProbeState)
    environment: Mapping[str, str] = field(default_factory=dict)
    is_outside: bool = False

    def step(self, purpose: str) -> Step | None:
        """The last step with a purpose."""
        return next((step for step in reversed(self.steps) if step.purpose == purpose), None)
