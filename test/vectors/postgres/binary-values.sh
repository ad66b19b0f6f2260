#!/bin/sh
# Values with their binary form and their text, by PostgreSQL's own functions: binary-values.sh PORT > binary-values.json
psql -X -A -t -h 127.0.0.1 -p "$1" -U postgres <<'SQL'
set timezone to 'UTC';
set extra_float_digits to 1;
create temp table v (type int, hex text, text text);
insert into v select 16, encode(boolsend(x), 'hex'), x::text::bool::char(1) from unnest(array[true, false]) x;
update v set text = case when hex = '00' then 'f' else 't' end;
insert into v select 20, encode(int8send(x), 'hex'), x from unnest(array[0, -1, 9223372036854775807, -9223372036854775808]) x;
insert into v select 21, encode(int2send(x), 'hex'), x from unnest(array[0, -1, 32767, -32768]::int2[]) x;
insert into v select 23, encode(int4send(x), 'hex'), x from unnest(array[0, -1, 2147483647, -2147483648]) x;
insert into v select 26, encode(oidsend(x), 'hex'), x from unnest(array[0, 4294967295]::oid[]) x;
insert into v select 700, encode(float4send(x), 'hex'), x from unnest(array[0, 1.5, -0.1, 3.4028235, 16777216, 'NaN', 'Infinity', '-Infinity']::float4[]) x;
insert into v select 701, encode(float8send(x), 'hex'), x from unnest(array[0, 1.5, -0.1, 0.30000000000000004, 123456789.125, 'NaN', 'Infinity', '-Infinity']::float8[]) x;
insert into v select 1082, encode(date_send(x), 'hex'), x from unnest(array['2000-01-01', '1969-12-31', '2026-11-23', '9999-12-31', '0001-01-01', 'infinity', '-infinity']::date[]) x;
insert into v select 1114, encode(timestamp_send(x), 'hex'), x from unnest(array['2000-01-01', '1999-12-31 23:59:59.999999', '2026-11-23 05:00:52.1', '1900-02-28 12:00:00.000001', 'infinity', '-infinity']::timestamp[]) x;
insert into v select 1184, encode(timestamptz_send(x), 'hex'), x from unnest(array['2000-01-01', '1969-07-20 20:17:40.5+00', '2026-11-23 05:00:52+02', 'infinity']::timestamptz[]) x;
insert into v select 2950, encode(uuid_send(x), 'hex'), x from unnest(array['019aaf3e-6d1c-7a61-9f43-0b9a7c1d2e3f']::uuid[]) x;
insert into v select 17, encode(byteasend(x), 'hex'), x from unnest(array['\x00ff', '']::bytea[]) x;
insert into v select 25, encode(textsend(x), 'hex'), x from unnest(array['pêche', '']) x;
insert into v select 3802, encode(jsonb_send(x), 'hex'), x from unnest(array['{"a": [1, null]}']::jsonb[]) x;
select json_agg(v) from v;
SQL
