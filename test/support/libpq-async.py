"""Queries with answers of given numbers of rows, by libpq's asynchronous functions, waiting on the socket itself as the manual says.

usage: libpq-async.py ROWS... (where to connect is in the environment)

Prints one line of JSON: the answers that came whole, and the one of which nothing more came.
https://www.postgresql.org/docs/15/libpq-async.html
"""

import ctypes
import json
import select
import sys
from ctypes import c_char_p, c_int, c_void_p

CONNECTION_OK = 0
# A server on the same machine that says nothing for so long, seconds, has said all.
SILENCE = 10


def load():
    libpq = ctypes.CDLL("libpq.so.5")
    for name, result, *arguments in [
        ("PQconnectdb", c_void_p, c_char_p),
        ("PQstatus", c_int, c_void_p),
        ("PQerrorMessage", c_char_p, c_void_p),
        ("PQsendQuery", c_int, c_void_p, c_char_p),
        ("PQsocket", c_int, c_void_p),
        ("PQconsumeInput", c_int, c_void_p),
        ("PQisBusy", c_int, c_void_p),
        ("PQgetResult", c_void_p, c_void_p),
        ("PQntuples", c_int, c_void_p),
        ("PQclear", None, c_void_p),
        ("PQfinish", None, c_void_p),
    ]:
        function = getattr(libpq, name)
        function.restype, function.argtypes = result, arguments
    return libpq


def comes(libpq, connection):
    """Whether the next result does; what libpq's TLS has decrypted already shows on no socket."""
    while libpq.PQisBusy(connection):
        readable, _, _ = select.select([libpq.PQsocket(connection)], [], [], SILENCE)
        if not readable or not libpq.PQconsumeInput(connection):
            return False
    return True


def ask(libpq, connection, rows):
    """How many came, or None where the answer did not end."""
    libpq.PQsendQuery(connection, b"select repeat('x', 7000) from generate_series(1, %d)" % rows)
    came = None
    while comes(libpq, connection):
        result = libpq.PQgetResult(connection)
        if result is None:
            return came
        came = libpq.PQntuples(result)
        libpq.PQclear(result)
    return None


def main():
    libpq = load()
    connection = libpq.PQconnectdb(b"")
    if libpq.PQstatus(connection) != CONNECTION_OK:
        sys.exit(libpq.PQerrorMessage(connection).decode())
    came, stalled = [], None
    for rows in map(int, sys.argv[1:]):
        if ask(libpq, connection, rows) != rows:
            stalled = rows
            break
        came.append(rows)
    print(json.dumps({"came": came, "stalled": stalled}))


main()
