import { serialize } from 'pg-protocol';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { int32, message } from '#core/protocols/postgres/wire.ts';
import type { Step } from '#core/replay/postgres/step.ts';
import {
  type DebianPostgres,
  hasDebianPostgres,
  startDebianPostgres,
} from '#test/support/debian-postgres.ts';
import { freePortBase } from '#test/support/local-gateway.ts';
import { RecordedClient } from '#test/support/recorded-client.ts';
import { stepsOf } from './support.ts';

const { bind, describe: describeMessage, execute, sync } = serialize;

/** A Query of bytes. */
function query(...parts: (string | Uint8Array)[]): Uint8Array {
  return message(0x51, Buffer.concat([...parts.map((part) => Buffer.from(part)), Buffer.of(0)]));
}

function parse(text: Uint8Array, name = ''): Uint8Array {
  return message(0x50, Buffer.concat([Buffer.from(`${name}\0`), text, Buffer.of(0, 0, 0)]));
}

/** A Bind of one value in text format. */
function bindText(statement: string, value: Uint8Array): Uint8Array {
  const head = Buffer.concat([Buffer.from(`\0${statement}\0`), Buffer.of(0, 0, 0, 1), int32(value.length)]);
  return message(0x42, Buffer.concat([head, value, Buffer.of(0, 0)]));
}

/** Words in the bytes of each encoding. */
const WORDS = [
  ['LATIN1', 'ea', 'ê'],
  ['LATIN9', 'a4ea', '€ê'],
  ['WIN1251', 'cff0e8e2e5f2', 'Привет'],
  ['KOI8R', 'f0d2c9d7c5d4', 'Привет'],
  ['SJIS', '955c8f5c', '表十'],
  ['EUC_JP', 'c9bdbdbd8fb0a1', '表十丂'],
  ['GB18030', 'd2bb8139ee39', '一㐀'],
  ['BIG5', 'a45c', '么'],
  ['UHC', '8141', '갂'],
  ['EUC_KR', 'c7d1', '한'],
  ['SHIFT_JIS_2004', '82f5', 'か゚'],
] as const;

describe.skipIf(!hasDebianPostgres())('texts of a session with a real server', () => {
  let server: DebianPostgres;

  beforeAll(async () => {
    server = await startDebianPostgres(await freePortBase(), 'md5');
  });
  afterAll(() => server.stop());

  async function stepsAfterLogin(client: RecordedClient): Promise<Step[]> {
    client.end();
    return (await stepsOf(client.frames)).slice(1, -1);
  }

  test.each(WORDS)('%s, asked for at the start', async (encoding, hex, word) => {
    const bytes = Buffer.from(hex, 'hex');
    const client = await RecordedClient.login(server, [['client_encoding', encoding]]);
    await client.ask(query("select '", bytes, '\' as "', bytes, '"'));
    await client.ask(query('select "', bytes, '_"'));
    await client.ask(
      query(
        "do $$begin raise notice '",
        bytes,
        "' using detail = '",
        bytes,
        "', hint = '",
        bytes,
        "'; end$$",
      ),
    );
    await client.ask(query('listen "', bytes, '"'));
    await client.ask(query('notify "', bytes, '", \'', bytes, "'"));
    await client.ask(
      parse(Buffer.concat([Buffer.from("select $1 || '"), bytes, Buffer.from("'")]), 'named'),
      bindText('named', bytes),
      describeMessage({ type: 'P' }),
      execute(),
      sync(),
    );
    await client.ask(query("copy (select '", bytes, "') to stdout"));
    const steps = await stepsAfterLogin(client);
    expect(steps[0]).toMatchObject({
      statement: { text: `select '${word}' as "${word}"` },
      columns: [{ name: word }],
      rows: [[{ text: word, bytes: bytes.length, cut: false }]],
    });
    expect(steps[1]!.error!.message).toBe(`column "${word}_" does not exist`);
    expect(steps[2]!.notices).toMatchObject([{ message: word, detail: word, hint: word }]);
    expect(steps.find(({ kind }) => kind === 'notification')!.notification).toMatchObject({
      channel: word,
      payload: { text: word },
    });
    expect(steps.find(({ kind }) => kind === 'execute')).toMatchObject({
      statement: { text: `select $1 || '${word}'` },
      values: [{ text: word }],
      rows: [[{ text: word + word }]],
    });
    expect(steps.find(({ kind }) => kind === 'copy-out')!.copy!.sample.text).toBe(`${word}\n`);
    expect(JSON.stringify(steps)).not.toMatch(/undecoded|\ufffd/);
  });

  test('in the middle of a session, of a Query, of a pipeline, of a transaction', async () => {
    const client = await RecordedClient.login(server, [['client_encoding', 'UTF8']]);
    const latin = Buffer.from("select 'é'", 'latin1');
    const utf = Buffer.from("select 'é'");
    await client.ask(query("set client_encoding to 'latin1'; select 'é'"));
    await client.ask(query(latin));
    await client.ask(
      query("set names 'utf8' ; set client_encoding = latin1; ", latin, '; reset client_encoding;', latin),
    );
    await client.ask(query(utf));
    const run = (text: Uint8Array): Uint8Array[] => [
      parse(text),
      bind(),
      describeMessage({ type: 'P' }),
      execute(),
    ];
    const set = (text: string): Uint8Array[] => run(Buffer.from(text));
    await client.ask(
      ...run(utf),
      ...set('set client_encoding to latin1'),
      ...run(latin),
      ...set("set names 'UTF8'"),
      ...run(utf),
      sync(),
    );
    await client.ask(query('begin; set local client_encoding to latin1'));
    await client.ask(query(latin));
    await client.ask(...set('commit'), ...run(utf), sync());
    await client.ask(query('begin; set client_encoding to latin1'));
    await client.ask(...run(latin), ...set('rollback'), ...run(utf), sync());
    await client.ask(query('discard all'));
    await client.ask(query(utf));
    const steps = await stepsAfterLogin(client);
    const seen = steps.filter(({ rowCount }) => rowCount === 1);
    const rows = seen.map(({ rows: [row] = [] }) => row![0]!.text);
    expect(rows).toEqual(Array.from({ length: 13 }, () => 'é'));
    expect(seen.slice(4, -1).every(({ statement }) => statement!.text === "select 'é'")).toBe(true);
    expect(JSON.stringify(steps)).not.toMatch(/undecoded|\ufffd/);
  });

  test('by code that cannot be seen: bytes, never another letter', async () => {
    const client = await RecordedClient.login(server, [['client_encoding', 'LATIN1']]);
    const utf = Buffer.from("select 'é'");
    await client.ask(
      query(
        "create function pg_temp.hidden() returns void language plpgsql as $$begin perform set_config('client_enc' || 'oding', 'utf8', false); end$$",
      ),
    );
    await client.ask(query("select 1; select pg_temp.hidden(); select 'x', chr(233)"));
    await client.ask(query(utf));
    const steps = await stepsAfterLogin(client);
    expect(steps.at(-2)!.rows![0]![1]).toEqual({ text: '\\xc3\\xa9', bytes: 2, cut: false, undecoded: true });
    expect(steps.at(-1)!.rows![0]![0]).toEqual({ text: 'é', bytes: 2, cut: false });
  });

  test('changed and changed back by what can be seen of a command: bytes too', async () => {
    const client = await RecordedClient.login(server, [['client_encoding', 'LATIN1']]);
    const change = (encoding: string): string => `select set_config('client_encoding', '${encoding}', false)`;
    await client.ask(query(`${change('utf8')}; select chr(233); ${change('latin1')}`));
    await client.ask(query('select chr(233)'));
    const steps = await stepsAfterLogin(client);
    expect(steps.map(({ rows }) => rows![0]![0]!.text)).toEqual(['UTF8', '\\xc3\\xa9', 'LATIN1', 'é']);
  });

  test('COPY that names an encoding of its own', async () => {
    const client = await RecordedClient.login(server, [['client_encoding', 'UTF8']]);
    await client.ask(
      query(
        "copy (select 'é', 'encoding ''utf8''') to stdout with (format csv, encoding 'latin1') -- encoding 'win1251'",
      ),
    );
    await client.ask(query("copy (select 'é') to stdout with encoding 'latin1'"));
    const steps = await stepsAfterLogin(client);
    expect(steps.map(({ copy }) => copy!.sample.text)).toEqual(["é,encoding 'utf8'\n", 'é\n']);
  });

  test('a prepared statement keeps the encoding it was sent in', async () => {
    const client = await RecordedClient.login(server, [['client_encoding', 'LATIN1']]);
    await client.ask(parse(Buffer.from("select 'é'", 'latin1'), 'old'), sync());
    await client.ask(query("set names 'utf8'"));
    await client.ask(bind({ statement: 'old' }), execute(), sync());
    const steps = await stepsAfterLogin(client);
    expect(steps.at(-1)).toMatchObject({ statement: { text: "select 'é'" }, rows: [[{ text: 'é' }]] });
  });

  test('SQL_ASCII: UTF-8 where it is, else bytes with a mark', async () => {
    const client = await RecordedClient.login(server, [['client_encoding', 'SQL_ASCII']]);
    await client.ask(query("select 'é'"));
    await client.ask(query("select 'a", Buffer.of(0xe9), "b'"));
    const steps = await stepsAfterLogin(client);
    expect(steps[0]!.rows![0]![0]!.text).toBe('é');
    expect(steps[1]).toMatchObject({
      statement: { text: "select 'a\\xe9b'", undecoded: true },
      outcome: 'failed',
    });
  });
});
