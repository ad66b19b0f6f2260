"""Pays back more than what was found."""

import custody_tasks as custody
from airflow.sdk import dag, task
from refunds import FIND


@dag(schedule=None)
def careless():
    @task
    def start(run_id: str) -> str:
        return custody.start("refunds", run_id)

    @task
    def find(run: str, run_id: str) -> list[list[str]]:
        with custody.postgres(run, "find", run_id) as hook:
            return [[str(cell) for cell in row] for row in hook.get_records(FIND)]

    @task
    def refund(run: str, orders: list[list[str]], run_id: str) -> None:
        with custody.postgres(run, "refund", run_id) as hook:
            hook.insert_rows("refunds", [[order, "1999.99"] for order, _ in orders], ["order_id", "amount"])

    run = start()
    refund(run, find(run))


careless()
