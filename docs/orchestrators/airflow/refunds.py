"""The demo's workflow as a DAG: each Airflow task is one task of the run, and values go by XCom."""

import custody_tasks as custody
from airflow.providers.common.sql.hooks.handlers import fetch_all_handler
from airflow.sdk import dag, task

FIND = """SELECT order_id, max(amount) AS amount FROM payments
WHERE order_id NOT IN (SELECT order_id FROM refunds)
GROUP BY order_id HAVING count(*) > 1 ORDER BY order_id LIMIT 3"""
COUNT = "SELECT count(*) AS refunds, sum(amount) AS total FROM refunds"


@dag(schedule=None)
def refunds():
    @task
    def start(run_id: str) -> str:
        return custody.start("refunds", run_id)

    @task
    def find(run: str, run_id: str) -> list[list[str]]:
        with custody.postgres(run, "find", run_id) as hook:
            return [[str(cell) for cell in row] for row in hook.get_records(FIND)]

    @task
    def refund(run: str, orders: list[list[str]], run_id: str) -> int:
        with custody.postgres(run, "refund", run_id) as hook:
            hook.insert_rows("refunds", orders, ["order_id", "amount"])
        return len(orders)

    @task
    def report(run: str, refunded: int, run_id: str) -> str:
        with custody.postgres(run, "report", run_id) as hook:
            (count, total), *_ = hook.run(COUNT, autocommit=True, handler=fetch_all_handler)
        assert count >= refunded
        return str(total)

    @task
    def announce(run: str, total: str) -> str:
        with custody.ssh(run, "announce") as (hook, client):
            code, said, error = hook.exec_ssh_client_command(
                client, f"echo refunded {total}", get_pty=False, environment=None
            )
        assert code == 0, error
        return said.decode().strip()

    run = start()
    announce(run, report(run, refund(run, find(run))))


refunds()
