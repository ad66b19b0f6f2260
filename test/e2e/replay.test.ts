import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { serialize } from 'pg-protocol';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { passwordMessage, terminate } from '#core/protocols/postgres/frontend.ts';
import { encodeStartup } from '#core/protocols/postgres/startup.ts';
import type { Step } from '#core/replay/postgres/step.ts';
import { custody, temporary } from '#test/cli/support.ts';
import { eventually, hasClient, libpqEnvironment, psql, startClient } from '#test/support/clients.ts';
import { type LocalGateway, startLocalGateway } from '#test/support/local-gateway.ts';
import { type RawClient, rawTls } from '#test/support/raw-client.ts';
import { lastSession, sessions, verify } from '#test/support/recorded.ts';

let gateway: LocalGateway;
const seen = new Set<string>();

beforeAll(async () => {
  gateway = await startLocalGateway();
}, 60_000);
afterAll(() => gateway.stop());

/** What `custody play` shows of the newest session, once it has ended. */
async function played(): Promise<{ readonly steps: Step[]; readonly text: string; readonly stderr: string }> {
  const { id } = await lastSession(gateway, seen);
  seen.add(id);
  const env = await gateway.cliEnvironment('auditor', temporary());
  const json = await custody(['play', id, '--json'], { env });
  const { stdout: text, stderr } = await custody(['play', id], { env });
  const lines = json.stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Step);
  const steps = lines.filter(({ kind }) => kind !== undefined);
  expect((await verify(gateway, id)).verdict).not.toBe('failed');
  return { steps, text, stderr };
}

/** psql runs the bytes of a file under this PGCLIENTENCODING. */
async function psqlRuns(encoding: string, sql: Uint8Array): Promise<void> {
  const file = join(temporary(), 'commands.sql');
  writeFileSync(file, sql);
  const env = { ...libpqEnvironment(gateway, await gateway.token('developer')), PGCLIENTENCODING: encoding };
  await startClient('psql', ['-X', '-f', file], env).done;
}

async function rawSession(): Promise<RawClient> {
  const client = await rawTls(gateway.addresses.postgres.port, readFileSync(gateway.addresses.ca));
  client.send(
    encodeStartup({
      minor: 0,
      parameters: [
        ['user', 'dana'],
        ['database', 'orders-db'],
      ],
    }),
  );
  await client.find('authentication-cleartext');
  client.send(passwordMessage(await gateway.token('developer')));
  await client.find('ready-for-query');
  return client;
}

describe.skipIf(!hasClient('psql'))('texts, by psql through the gateway', () => {
  test.each([
    ['LATIN1', 'e9e8', 'éè'],
    ['WIN1251', 'cff0e8e2e5f2', 'Привет'],
    ['SJIS', '955c8f5c', '表十'],
    ['EUC_JP', 'c9bdbdbd', '表十'],
    ['GB18030', 'd2bb8139ee39', '一㐀'],
    ['UTF8', 'c3a9e4b880', 'é一'],
  ])('%s', async (encoding, hex, word) => {
    const bytes = Buffer.from(hex, 'hex');
    const sql = [
      `select '`,
      bytes,
      `' as w; select "`,
      bytes,
      `"; set client_encoding to 'utf8'; select '${word}', 1`,
    ];
    await psqlRuns(encoding, Buffer.concat(sql.map((part) => Buffer.from(part))));
    const { steps, text } = await played();
    const [first, second, , third] = steps.filter(({ kind }) => kind === 'query');
    expect(first).toMatchObject({ statement: { text: `select '${word}' as w;` }, rows: [[{ text: word }]] });
    expect(second).toMatchObject({
      outcome: 'failed',
      error: { message: `column "${word}" does not exist` },
    });
    expect(third).toMatchObject({
      statement: { text: `select '${word}', 1` },
      rows: [[{ text: word }, { text: '1' }]],
    });
    expect(text).toContain(`select '${word}' as w;`);
    expect(text).not.toMatch(/\ufffd|not all text/);
  });

  test('SQL_ASCII: bytes that are no text are bytes, and marked', async () => {
    await psqlRuns(
      'SQL_ASCII',
      Buffer.concat([Buffer.from("select 'é' as w; select 'a"), Buffer.of(0xe9), Buffer.from("';")]),
    );
    const { steps, text } = await played();
    const [first, second] = steps.filter(({ kind }) => kind === 'query');
    expect(first).toMatchObject({ rows: [[{ text: 'é' }]] });
    expect(second).toMatchObject({
      statement: { text: "select 'a\\xe9';", undecoded: true },
      outcome: 'failed',
    });
    expect(text).toContain("select 'a\\xe9'; [not all text]");
  });
});

describe('a client that is ahead of the server', () => {
  const { parse, bind, execute, sync, query } = serialize;

  /** Sends all at once, and waits until so many answers are over. */
  async function ran(ready: number, ...messages: Uint8Array[]): Promise<string[]> {
    const client = await rawSession();
    client.send(Buffer.concat(messages));
    await eventually('all answers', () => {
      const seenReady = client.messages.filter(({ kind }) => kind === 'ready-for-query').length;
      return seenReady > ready ? true : undefined;
    });
    client.send(terminate());
    await client.end();
    const { steps } = await played();
    const statements = steps.filter(
      ({ outcome, kind }) => outcome !== undefined && !/login|prepare/.test(kind),
    );
    return statements.map(
      ({ statement, tag, copy }) => `${statement?.text} | ${tag} | ${copy?.messages ?? '-'}`,
    );
  }

  test('is shown with what ran', async () => {
    expect(
      await ran(
        4,
        query('create temp table victim (n int)'),
        ...[parse({ name: 's', text: 'delete from victim' }), sync()],
        ...[parse({ name: 's', text: 'select 1' }), sync()],
        ...[bind({ statement: 's' }), execute(), sync()],
      ),
    ).toEqual(['create temp table victim (n int) | CREATE TABLE | -', 'delete from victim | DELETE 0 | -']);
    expect(
      await ran(
        2,
        query('create temp table victim (n int); copy victim from stdin'),
        ...[serialize.copyData(Buffer.from('1\n')), serialize.copyDone(), query('select 1')],
      ),
    ).toEqual([
      'create temp table victim (n int); copy victim from stdin | CREATE TABLE | -',
      'create temp table victim (n int); copy victim from stdin | COPY 1 | 1',
      'select 1 | SELECT 1 | -',
    ]);
  });
});

describe('a session that is cut in the middle of a row', () => {
  const ROW = "select 'begun' as first, repeat('x', 60000000) as second";

  /** A client that no longer reads, while the target still sends. */
  async function inTheMiddle(): Promise<RawClient> {
    const client = await rawSession();
    client.send(serialize.query(ROW));
    await client.find('row-description').catch(() => undefined);
    client.socket.pause();
    await new Promise((resume) => setTimeout(resume, 500));
    return client;
  }

  /** What its last step says; before, there is the row as far as it came, and nothing is damaged. */
  async function endOfCut(): Promise<string> {
    const { steps, text, stderr } = await played();
    const query = steps.find(({ kind }) => kind === 'query')!;
    expect(steps.filter(({ kind }) => kind === 'damaged')).toEqual([]);
    expect(['unfinished', 'failed']).toContain(query.outcome);
    expect(query.rows![0]).toMatchObject([
      { text: 'begun', cut: false },
      { bytes: 60_000_000, cut: true },
    ]);
    const end = steps.find(({ kind }) => kind === 'end')!.text!;
    expect(text).toContain(`end: ${end}`);
    expect(stderr).not.toContain('FAILS');
    return end.replace(/\d+ of 60000015/, 'N of 60000015');
  }

  const CUT = 'in the middle of a message of the target (N of 60000015 bytes)';

  test('as an operator ended it', async () => {
    const client = await inTheMiddle();
    const [{ id } = { id: '' }] = await sessions(gateway);
    const env = await gateway.cliEnvironment('reviewer', temporary());
    await custody(['terminate', id, '--reason', 'runaway', '--wait'], { env });
    client.socket.destroy();
    expect(await endOfCut()).toBe(`an operator ended it; ${CUT}`);
  });

  test('as the client went away', async () => {
    const client = await inTheMiddle();
    client.socket.destroy();
    expect(await endOfCut()).toBe(`the client went away without a word; ${CUT}`);
  });

  test('as the target died', async () => {
    const client = await inTheMiddle();
    const found = await psql(
      gateway,
      "select pid from pg_stat_activity where query like 'select ''begun''%'",
    );
    seen.add((await sessions(gateway))[0]!.id);
    process.kill(Number(found.stdout), 'SIGKILL');
    client.socket.resume();
    await client.end();
    expect(await endOfCut()).toBe(`the target went away without a word; ${CUT}`);
  });

  test('as the gateway died', async () => {
    const client = await inTheMiddle();
    await gateway.kill9();
    client.socket.destroy();
    expect(await endOfCut()).toBe(
      `the gateway died; what was recorded until then was sealed afterwards; ${CUT}`,
    );
  });
});
