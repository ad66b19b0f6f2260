#!/bin/sh
# A throw-away PostgreSQL 15 for capture.ts: server.sh start|stop FOLDER PORT (as a user who may run initdb).
set -eu
bin=/usr/lib/postgresql/15/bin
data="$2/data"
case "$1" in
  start)
    mkdir -p "$2"
    "$bin/initdb" --no-sync -D "$data" -U postgres -A trust -E UTF8 --locale=C.UTF-8 >/dev/null
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj /CN=localhost \
      -keyout "$data/server.key" -out "$data/server.crt" 2>/dev/null
    chmod 600 "$data/server.key"
    cat >"$data/pg_hba.conf" <<HBA
host    all         md5user   127.0.0.1/32 md5
host    all         scram     127.0.0.1/32 scram-sha-256
host    all         all       127.0.0.1/32 trust
host    replication all       127.0.0.1/32 trust
HBA
    "$bin/pg_ctl" -D "$data" -w -l "$2/log" start -o "-p $3 -k $2 -h 127.0.0.1 -c fsync=off -c ssl=on \
      -c wal_level=logical -c max_wal_senders=4 -c timezone=UTC" >/dev/null
    "$bin/psql" -X -q -h 127.0.0.1 -p "$3" -U postgres <<SQL
set password_encryption = 'md5';
create role md5user login password 'md5 secret';
set password_encryption = 'scram-sha-256';
create role scram login password 'scram secret';
create table fruit (id int primary key, name text, price numeric, picked timestamptz, raw bytea);
insert into fruit values (1, 'apple', 1.20, '2026-01-02 03:04:05+00', '\x00ff'), (2, 'pêche', null, null, null);
SQL
    ;;
  stop) "$bin/pg_ctl" -D "$data" -m immediate stop >/dev/null ;;
esac
