/**
 * Captures what real clients and a real PostgreSQL 15 say to each other:
 *   node test/vectors/postgres/capture.ts SERVER_FOLDER SERVER_PORT     (server.sh started it)
 * One file a scenario beside this script, of its connection with the most frames: a JSON array of [stream, microseconds, base64], stream 0 client, 1 server.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, connect, type AddressInfo, type Socket } from 'node:net';
import { createServer as createTlsServer, connect as connectTls } from 'node:tls';
import { Client } from 'pg';

type Frame = [stream: 0 | 1, timeUs: number, base64: string];

const [folder, port] = [process.argv[2]!, Number(process.argv[3])];

/** Runs `use` against a proxy that keeps what passes; `tls`: it holds the server's own certificate, so that binding fits. */
async function capture(name: string, use: (port: number) => Promise<void>, tls = false): Promise<void> {
  const connections: Frame[][] = [];
  const started = process.hrtime.bigint();
  const keep = (frames: Frame[], stream: 0 | 1) => (chunk: Buffer) => {
    const timeUs = Number((process.hrtime.bigint() - started) / 1000n);
    frames.push([stream, timeUs, chunk.toString('base64')]);
  };
  const relay = (client: Socket, server: Socket) => {
    const frames: Frame[] = [];
    connections.push(frames);
    client.on('data', keep(frames, 0)).on('error', () => server.destroy());
    server.on('data', keep(frames, 1)).on('error', () => client.destroy());
    client.pipe(server).pipe(client);
  };
  const proxy = createServer((socket) => {
    if (tls) void bothTls(socket).then(([client, server]) => relay(client, server));
    else relay(socket, connect(port, '127.0.0.1'));
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  await use((proxy.address() as AddressInfo).port);
  proxy.close();
  const frames = connections.toSorted((a, b) => b.length - a.length)[0]!;
  writeFileSync(new URL(`${name}.json`, import.meta.url), `[\n${frames.map((f) => JSON.stringify(f)).join(',\n')}\n]\n`);
  console.log(name, frames.length);
}

/** Answers an SSLRequest with the server's own certificate, and makes one to the server. */
async function bothTls(socket: Socket): Promise<[Socket, Socket]> {
  await once(socket, 'readable');
  const request = socket.read(8) as Buffer;
  const upstream = connect(port, '127.0.0.1');
  upstream.write(request);
  await once(upstream, 'readable');
  upstream.read(1);
  const server = connectTls({ socket: upstream, rejectUnauthorized: false });
  await once(server, 'secureConnect');
  const secureContext = { key: readFileSync(`${folder}/data/server.key`), cert: readFileSync(`${folder}/data/server.crt`) };
  const front = createTlsServer(secureContext);
  const secured = once(front, 'secureConnection');
  front.emit('connection', socket);
  socket.write('S');
  return [(await secured)[0] as Socket, server];
}

async function run(command: string, args: string[], input: string, env: Record<string, string> = {}): Promise<void> {
  const child = spawn(command, args, { env: { ...process.env, PGSSLMODE: 'disable', PGGSSENCMODE: 'disable', ...env } });
  child.stdin.on('error', () => undefined).end(input);
  child.stderr.on('data', (text: Buffer) => process.stderr.write(text));
  child.stdout.resume();
  await once(child, 'close');
}

function psql(script: string, user = 'postgres', env: Record<string, string> = {}) {
  return (at: number) =>
    run('psql', ['-X', '-h', '127.0.0.1', '-p', String(at), '-U', user, '-d', 'postgres'], script, env);
}

function pgbench(mode: string, script: string) {
  return async (at: number) => {
    writeFileSync('/tmp/pgcodec.bench', script);
    const where = ['-h', '127.0.0.1', '-p', String(at), '-U', 'postgres'];
    await run('pgbench', ['-n', '-M', mode, '-t', '2', '-f', '/tmp/pgcodec.bench', ...where, 'postgres'], '');
  };
}

async function nodePostgres(at: number): Promise<void> {
  const client = new Client({ host: '127.0.0.1', port: at, user: 'postgres', database: 'postgres' });
  await client.connect();
  await client.query({ text: 'select * from generate_series(1, $1::int) as n', values: [5], rows: 2 } as never);
  await client.query({ name: 'by-id', text: 'select * from fruit where id = $1', values: [1] });
  await client.query({ name: 'by-id', text: 'select * from fruit where id = $1', values: [2] });
  const values = [null, true, Buffer.from([0, 255]), 'tést', new Date('2026-01-02T03:04:05Z'), 1.5];
  const types = 'select $1::text, $2::bool, $3::bytea, $4::text, $5::timestamptz, $6::float8';
  await client.query({ text: types, values, binary: true } as never);
  await client.query('select $1::int', ['not a number']).catch(() => undefined);
  await client.query({ text: '', values: [] });
  await client.end();
}

/** A client that asks for protocol 3.2 and an option: the server's negotiation. */
async function protocol32(at: number): Promise<void> {
  const socket = connect(at, '127.0.0.1');
  const body = Buffer.from('\0\x03\0\x02user\0postgres\0database\0postgres\0_pq_.custody\0on\0\0', 'latin1');
  const length = Buffer.alloc(4);
  length.writeInt32BE(body.length + 4);
  socket.write(Buffer.concat([length, body]));
  let seen = '';
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    seen += chunk.toString('latin1');
    if (seen.includes('Z\0\0\0\x05I')) break;
  }
  socket.destroy();
}

await capture('psql-simple', psql(`
select 1 as one, 'two' as two, null as none;
select * from fruit \\; select 2 \\; select nothing from nowhere \\; select 3;
insert into fruit values (3, 'fig') \\; delete from fruit where id = 3;
do $$ begin raise notice 'hello %', 'notice' using hint = 'none needed'; end $$;
begin;
select 1/0;
select 1;
rollback;
;
listen custody;
notify custody, 'payload';
select 1 where false;
`));
await capture('psql-copy', psql(`
\\copy fruit to '/dev/null'
create temp table t (a int, b text);
\\copy t from stdin
1	one
2	two
\\.
\\copy t from stdin
x	not a number
\\.
\\copy t from '/proc/self/mem'
copy t to stdout with (format binary);
copy t from stdin;
3	three
\\.
select count(*) from t;
`));
await capture('psql-large-object', psql(`
\\lo_import '/etc/hostname'
\\lo_export :LASTOID '/dev/null'
\\lo_unlink :LASTOID
`));
await capture('pgbench-simple', pgbench('simple', 'select 1;\nselect * from fruit where id = 1;\n'));
await capture('pgbench-extended', pgbench('extended', '\\set id 2\nselect * from fruit where id = :id;\n'));
await capture('pgbench-prepared', pgbench('prepared', '\\set id 2\nselect * from fruit where id = :id;\n'));
await capture('pgbench-pipeline', pgbench('prepared', `
\\startpipeline
select 1;
select * from fruit where id = 2;
insert into fruit values (9, 'plum');
delete from fruit where id = 9;
\\endpipeline
\\startpipeline
select 10;
select 1/0;
select 11;
\\endpipeline
`));
await capture('node-postgres', nodePostgres);
await capture('protocol-3.2', protocol32);
await capture('login-md5', psql('select 1', 'md5user', { PGPASSWORD: 'md5 secret' }));
await capture('login-scram', psql('select 1', 'scram', { PGPASSWORD: 'scram secret' }));
await capture('login-wrong-password', psql('select 1', 'scram', { PGPASSWORD: 'wrong' }));
await capture('login-scram-plus', psql('select 1', 'scram', { PGPASSWORD: 'scram secret', PGSSLMODE: 'require' }), true);
writeFileSync(new URL('server.crt', import.meta.url), readFileSync(`${folder}/data/server.crt`));
await capture('replication', async (at) => {
  const where = ['-h', '127.0.0.1', '-p', String(at), '-U', 'postgres', '-d', 'postgres', '--slot', 'custody'];
  await run('/usr/lib/postgresql/15/bin/pg_recvlogical', [...where, '--create-slot', '-P', 'test_decoding'], '');
  await run('psql', ['-X', '-h', '127.0.0.1', '-p', String(port), '-U', 'postgres'], "insert into fruit values (4, 'kiwi'); delete from fruit where id = 4; select pg_current_wal_lsn() as lsn \\gset\n\\! true\n");
  await run('timeout', ['-s', 'INT', '1', '/usr/lib/postgresql/15/bin/pg_recvlogical', ...where, '--start', '-f', '/dev/null'], '');
  await run('/usr/lib/postgresql/15/bin/pg_recvlogical', [...where, '--drop-slot'], '');
});
