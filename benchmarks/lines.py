"""The lines of the benchmark, by the names that `--only` takes."""

from __future__ import annotations

from collections.abc import Mapping

from benchmarks import drain, growth, latency, lateness, publish, schedule, steps
from benchmarks.bench import Line

LINES: Mapping[str, Line] = {
    "schedule-grpc": schedule.over_grpc,
    "schedule-rest": schedule.over_rest,
    "latency": latency.idle,
    "publish": publish.many,
    "publish-most": publish.most,
    "steps": steps.of_campaign,
    "drain": drain.in_app,
    "drain-postgres": drain.on_postgres,
    "drain-smtp": drain.over_smtp,
    "lateness": lateness.of_many,
    "growth": growth.of_tables,
}
