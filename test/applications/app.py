"""What a job with psycopg does: cursors at the server, pipelines, executemany, COPY, and an error behind a savepoint."""

import psycopg

with psycopg.connect() as conn:
    with conn.cursor(name="orders") as cursor:
        cursor.itersize = 13
        cursor.execute("select id, who, amount, made from orders where amount > %s order by id", (10,))
        print("rows", sum(1 for _ in cursor))

    with conn.cursor(name="scrolled", scrollable=True) as cursor:
        cursor.execute("select id from orders order by id")
        cursor.fetchmany(5)
        cursor.scroll(3)
        print("scrolled", cursor.fetchone())

    with conn.cursor() as cursor:
        cursor.executemany("insert into loaded (n, word) values (%s, %s)", [(n, f"wörd {n}") for n in range(300)])
        cursor.executemany(
            "insert into orders (who, amount) values (%s, %s) returning id",
            [("psycopg", n) for n in range(5)],
            returning=True,
        )
        print("first id", cursor.fetchone())

    with conn.pipeline():
        cursors = [conn.execute("select amount, who from orders where id = %s", (n,)) for n in range(1, 30)]
        print("pipelined", sum(cursor.fetchone()[0] for cursor in cursors))

    with conn.cursor() as cursor:
        with cursor.copy("copy loaded (n, word) from stdin") as copy:
            for n in range(1000, 1100):
                copy.write_row((n, f"copied {n}"))
        with cursor.copy("copy (select n, word from loaded order by n) to stdout (format binary)") as copy:
            print("bytes", sum(len(block) for block in copy))

    for _ in range(8):
        conn.execute("select count(*) from loaded where n < %s", (500,), prepare=True)

    try:
        with conn.transaction():
            conn.execute("insert into loaded values (1, 'again')")
    except psycopg.errors.UniqueViolation as error:
        print("failed", error.sqlstate)
