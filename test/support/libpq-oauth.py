"""One query by libpq 18, logging in by SASL OAUTHBEARER with the token in CUSTODY_TOKEN.

usage: libpq-oauth.py LIBPQ CONNINFO QUERY

A hook gives libpq the token, as a program with a token of its own does; libpq-oauth, which holds the built-in device
flow, is not needed. Prints one line of JSON: what libpq asked the hook, and the first value or the error.
https://www.postgresql.org/docs/18/libpq-oauth.html
"""

import ctypes
import json
import os
import sys
from ctypes import CFUNCTYPE, POINTER, Structure, c_char_p, c_int, c_void_p, cast

PQAUTHDATA_OAUTH_BEARER_TOKEN = 1
CONNECTION_OK = 0
PGRES_TUPLES_OK = 2


class PGoauthBearerRequest(Structure):
    _fields_ = [
        ("openid_configuration", c_char_p),
        ("scope", c_char_p),
        ("async", c_void_p),
        ("cleanup", c_void_p),
        ("token", c_char_p),
        ("user", c_void_p),
    ]


AuthDataHook = CFUNCTYPE(c_int, c_int, c_void_p, c_void_p)


def load(path):
    libpq = ctypes.CDLL(path)
    for name, result, *arguments in [
        ("PQconnectdb", c_void_p, c_char_p),
        ("PQstatus", c_int, c_void_p),
        ("PQerrorMessage", c_char_p, c_void_p),
        ("PQexec", c_void_p, c_void_p, c_char_p),
        ("PQresultStatus", c_int, c_void_p),
        ("PQgetvalue", c_char_p, c_void_p, c_int, c_int),
        ("PQclear", None, c_void_p),
        ("PQfinish", None, c_void_p),
        ("PQlibVersion", c_int),
        ("PQsetAuthDataHook", None, AuthDataHook),
    ]:
        function = getattr(libpq, name)
        function.restype, function.argtypes = result, arguments
    return libpq


def giving(token, asked):
    """A hook that gives libpq `token`, and notes in `asked` what libpq wanted it for."""

    def hook(kind, _connection, data):
        if kind != PQAUTHDATA_OAUTH_BEARER_TOKEN:
            return 0
        request = cast(data, POINTER(PGoauthBearerRequest)).contents
        scope = request.scope and request.scope.decode()
        asked.append({"openidConfiguration": request.openid_configuration.decode(), "scope": scope})
        request.token = token
        return 1

    return AuthDataHook(hook)


def answer(libpq, conninfo, query):
    connection = libpq.PQconnectdb(conninfo.encode())
    try:
        if libpq.PQstatus(connection) != CONNECTION_OK:
            return {"error": libpq.PQerrorMessage(connection).decode()}
        result = libpq.PQexec(connection, query.encode())
        try:
            if libpq.PQresultStatus(result) != PGRES_TUPLES_OK:
                return {"error": libpq.PQerrorMessage(connection).decode()}
            return {"value": libpq.PQgetvalue(result, 0, 0).decode()}
        finally:
            libpq.PQclear(result)
    finally:
        libpq.PQfinish(connection)


def main():
    path, conninfo, query = sys.argv[1:]
    token = os.environ["CUSTODY_TOKEN"].encode()
    asked = []
    libpq = load(path)
    hook = giving(token, asked)  # kept here for as long as libpq may call it
    libpq.PQsetAuthDataHook(hook)
    print(json.dumps({"version": libpq.PQlibVersion(), "asked": asked, **answer(libpq, conninfo, query)}))


main()
