"""Runs of Custody from Airflow, with its own hooks: put it beside your DAGs.

Connections: `custody` (HTTP; the API), `custody_orders` (Postgres) and `custody_web` (SSH), all of the gateway and without a
password. The worker's own token is read anew from CUSTODY_TOKEN_FILE each time, as whoever writes it there (a projected volume of
Kubernetes, a sidecar) replaces it before it expires.
"""

import copy
import hashlib
import json
import os
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

from airflow.providers.postgres.hooks.postgres import PostgresHook
from airflow.providers.ssh.hooks.ssh import SSHHook
from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowFailException
from opentelemetry import propagate

RESULT_SECONDS = 120


def token() -> str:
    return Path(os.environ["CUSTODY_TOKEN_FILE"]).read_text().strip()


def traceparent(dag_run_id: str) -> str:
    """Airflow's own where it traces (OpenTelemetry), otherwise one that is the same in all tasks of the DAG run."""
    carrier: dict[str, str] = {}
    propagate.inject(carrier)
    made = hashlib.sha256(dag_run_id.encode()).hexdigest()
    return carrier.get("traceparent", f"00-{made[:32]}-{made[32:48]}-01")


def call(method: str, path: str, body: object = None, **headers: str) -> dict:
    """One call of the API. What it refuses fails the task, with its words in the log."""
    address = BaseHook.get_connection("custody").host.rstrip("/") + path
    asked = {"authorization": f"Bearer {token()}", "content-type": "application/json", **headers}
    request = urllib.request.Request(address, method=method, headers=asked)
    try:
        with urllib.request.urlopen(request, json.dumps(body).encode() if body is not None else None, timeout=60) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as refused:
        raise AirflowFailException(f"Custody: {refused.read().decode()}") from refused


def start(workflow: str, dag_run_id: str, **inputs: str) -> str:
    """The run of this DAG run: the same one however often the task is tried."""
    body = {"workflow": workflow, "inputs": inputs, "trace": traceparent(dag_run_id)}
    return call("POST", "/v1/runs", body, **{"idempotency-key": dag_run_id})["id"]


@contextmanager
def postgres(run: str, task: str, dag_run_id: str, connection: str = "custody_orders"):
    """Airflow's PostgresHook as this task: each connection that it opens is one execution."""
    conn = copy.copy(BaseHook.get_connection(connection))
    conn.password = token()
    options = f"-c custody.run={run} -c custody.task={task} -c custody.traceparent={traceparent(dag_run_id)}"
    yield PostgresHook(connection=conn, options=options)
    settled(run, task)


@contextmanager
def ssh(run: str, task: str, connection: str = "custody_web"):
    """Airflow's SSHHook as this task, which SSH can name in the user alone."""
    target = BaseHook.get_connection(connection).login
    hook = SSHHook(connection, username=f"{target},run={run},task={task}", password=token())
    with hook.get_conn() as client:
        yield hook, client
    settled(run, task)


def settled(run: str, task: str) -> None:
    """Waits for the task's result, on which those after it rest."""
    until = time.monotonic() + RESULT_SECONDS
    while time.monotonic() < until:
        found = next(one for one in call("GET", f"/v1/runs/{run}")["tasks"] if one["name"] == task)
        if found["state"] == "kept":
            return
        if found["state"] == "deviated":
            raise AirflowFailException(f"{task} left its contract: custody run show {run}")
        time.sleep(0.5)
    raise AirflowFailException(f"{task} has no result yet: custody run show {run} --wait")
