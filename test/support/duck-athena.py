"""Athena's part, played by DuckDB: reads `{"sql", "values"}` a line, answers with rows of texts a line. Arguments: a folder with what is in
the bucket, the database's name, and the tables as the stack makes them (JSON)."""

import json
import sys

import duckdb
import sqlglot
from sqlglot import exp

folder, database, tables = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])


def duck_type(hive: str) -> str:
    return exp.DataType.build(hive, dialect="hive").sql("duckdb")


db = duckdb.connect()
db.execute(f'CREATE SCHEMA "{database}"')
for table in tables:
    columns = ", ".join(f"'{name}': '{duck_type(hive)}'" for name, hive in table["columns"])
    parts = ", ".join(f"'{name}': 'VARCHAR'" for name, _ in table["partitions"])
    path = f"{folder}/{table['name']}/**/*.json.gz"
    db.execute(
        f"""CREATE VIEW "{database}"."{table['name']}" AS SELECT * FROM read_json('{path}', format='newline_delimited',
        columns={{{columns}}}, hive_partitioning=true, hive_types={{{parts}}}, compression='gzip', maximum_object_size=67108864)"""
    )


def bound(text: str):
    """A parameter has to be one literal of SQL, and nothing else."""
    parsed = sqlglot.parse(f"SELECT {text}", read="athena")
    (statement,) = parsed
    (value,) = statement.expressions
    if statement.args.get("from") or not isinstance(value, exp.Literal) or not value.is_string:
        raise ValueError(f"no literal: {text}")
    return value.this


def text_of(value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


for line in sys.stdin:
    try:
        asked = json.loads(line)
        sql = sqlglot.transpile(asked["sql"], read="athena", write="duckdb", identify=False)
        if len(sql) != 1:
            raise ValueError(f"{len(sql)} statements")
        cursor = db.execute(sql[0], [bound(value) for value in asked["values"]])
        answer = {"columns": [one[0] for one in cursor.description], "rows": [[text_of(v) for v in row] for row in cursor.fetchall()]}
    except Exception as error:  # noqa: BLE001
        answer = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), flush=True)
