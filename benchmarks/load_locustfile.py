"""Locust beside our engine: one endpoint, and a report as one line of JSON.

USER_RATE_RPS is what each user offers (0: asks again at once), QUANTILES what is reported.
CPU time counts from the first request, without Locust's start.
"""

import json
import os
import time
from typing import Any

from locust import FastHttpUser, constant, constant_throughput, events, task

RATE_RPS = float(os.environ["USER_RATE_RPS"])

begin = {"cpu_s": 0.0}


@events.test_start.add_listener
def start(**_: Any) -> None:
    """Note the CPU time before the first request."""
    begin["cpu_s"] = time.process_time()


@events.test_stop.add_listener
def report(environment: Any, **_: Any) -> None:
    """Say what Locust's own statistics say."""
    total = environment.stats.total
    shares = json.loads(os.environ["QUANTILES"])
    line = {
        "requests": total.num_requests,
        "cpu_s": time.process_time() - begin["cpu_s"],
        "mean_s": total.avg_response_time / 1e3,
        "quantiles_s": [total.get_response_time_percentile(share) / 1e3 for share in shares],
    }
    print(json.dumps(line), flush=True)


class Plain(FastHttpUser):
    """Asks for one page."""

    wait_time = constant_throughput(RATE_RPS) if RATE_RPS else constant(0)

    @task
    def page(self) -> None:
        """The same page that the others ask for."""
        self.client.get("/index")
