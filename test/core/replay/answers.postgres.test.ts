import { serialize } from 'pg-protocol';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { int32, message } from '#core/protocols/postgres/wire.ts';
import { REPLAY_LIMITS, type Step } from '#core/replay/postgres/step.ts';
import {
  type DebianPostgres,
  hasDebianPostgres,
  startDebianPostgres,
} from '#test/support/debian-postgres.ts';
import { freePortBase } from '#test/support/local-gateway.ts';
import { RecordedClient } from '#test/support/recorded-client.ts';
import { int16, stepsOf } from './support.ts';

const { bind, describe: describeMessage, execute, parse, query, sync } = serialize;

const MOST = 65_535;

/** A FunctionCall with arguments in text or binary, and its result in text or binary. */
function call(oid: number, format: 0 | 1, values: readonly Uint8Array[], resultFormat: 0 | 1): Uint8Array {
  const given = values.flatMap((value) => [int32(value.length), value]);
  return message(
    0x46,
    int32(oid),
    int16(1),
    int16(format),
    int16(values.length),
    ...given,
    int16(resultFormat),
  );
}

describe.skipIf(!hasDebianPostgres())('answers of a real server', () => {
  let server: DebianPostgres;

  beforeAll(async () => {
    server = await startDebianPostgres(await freePortBase(), 'md5');
  });
  afterAll(() => server.stop());

  async function stepsAfterLogin(client: RecordedClient): Promise<Step[]> {
    client.end();
    return (await stepsOf(client.frames)).slice(1, -1);
  }

  test('as many parameters as there can be, described and bound', async () => {
    const client = await RecordedClient.login(server);
    const wanted = Array.from({ length: MOST }, (_, at) => `$${at + 1}::int4`).join(',');
    await client.ask(
      parse({ name: 's', text: `select cardinality(array[${wanted}]) as n` }),
      describeMessage({ type: 'S', name: 's' }),
      sync(),
    );
    const values = Array.from({ length: MOST }, (_, at) => Buffer.from(int32(at)));
    await client.ask(bind({ statement: 's', values, binary: false }), execute(), sync());
    const steps = await stepsAfterLogin(client);
    const [step] = steps.filter(({ kind }) => kind === 'execute');
    expect(steps.filter(({ kind }) => kind === 'damaged')).toEqual([]);
    expect(step!.rows![0]![0]!.text).toBe(String(MOST));
    expect(step!.values!.length).toBe(MOST);
    expect(step!.values!.slice(0, 3).map((value) => value!.text)).toEqual(['0', '1', '2']);
    expect(step!.values!.every((value) => value!.bytes === 4)).toBe(true);
    expect(step!.statement).toMatchObject({ cut: true });
  });

  test('an error with a message, a detail and a hint of a megabyte each', async () => {
    const client = await RecordedClient.login(server);
    const long = "repeat('m', 1000000)";
    await client.ask(
      query(
        `do $$begin raise exception using message = ${long}, detail = 'd' || ${long}, hint = 'h' || ${long}, errcode = '22000'; end$$`,
      ),
    );
    const [step] = await stepsAfterLogin(client);
    expect(step!.error).toMatchObject({
      severity: 'ERROR',
      sqlstate: '22000',
      cut: { message: 1_000_000, detail: 1_000_001, hint: 1_000_001 },
    });
    expect(step!.error!.detail!.length).toBe(REPLAY_LIMITS.text);
    expect(step!.error!.where).toContain('inline_code_block');
  });

  test('calls of functions, their arguments and results in text and in binary', async () => {
    const client = await RecordedClient.login(server);
    const [textcat, plus] = [1258, 177];
    await client.ask(call(textcat, 0, [Buffer.from('té'), Buffer.from('st')], 0));
    await client.ask(call(plus, 0, [Buffer.from('40'), Buffer.from('2')], 0));
    await client.ask(call(plus, 1, [int32(40), int32(2)], 1));
    await client.ask(call(plus, 0, [Buffer.from('forty'), Buffer.from('2')], 0));
    const steps = await stepsAfterLogin(client);
    const shown = steps.map(({ values, rows }) =>
      [...values!, ...(rows?.[0] ?? [])].map((value) => value!.text),
    );
    expect(shown).toEqual([
      ['té', 'st', 'tést'],
      ['40', '2', '42'],
      ['\\x00000028', '\\x00000002', '\\x0000002a'],
      ['forty', '2'],
    ]);
    expect(steps.map(({ outcome }) => outcome)).toEqual(['completed', 'completed', 'completed', 'failed']);
  });

  test('the widest row that there is, of values that are long', async () => {
    const client = await RecordedClient.login(server);
    const columns = Array.from({ length: 1600 }, (_, at) => `repeat('v', 2000) as "column ${at}"`).join(',');
    await client.ask(query(`select ${columns}`));
    const [step] = await stepsAfterLogin(client);
    expect(step!.columns![1599]).toEqual({ name: 'column 1599', type: 25 });
    expect(step!.rows![0]!.length).toBe(1600);
    expect(step!.rows![0]!.every((value) => value!.bytes === 2000)).toBe(true);
  });

  test('a login with texts that are no UTF-8', async () => {
    const latin1 = Buffer.from('é', 'latin1').toString('latin1');
    const client = await RecordedClient.login(server, [
      ['client_encoding', 'LATIN1'],
      ['application_name', 'caf@'],
    ]);
    client.end();
    const [startup, ...rest] = client.frames;
    const payload = Buffer.from(startup!.payload);
    payload.write(latin1, payload.indexOf('@'), 'latin1');
    const [login] = await stepsOf([{ ...startup!, payload }, ...rest]);
    expect(login).toMatchObject({
      kind: 'login',
      outcome: 'completed',
      login: { user: 'app', application: 'café' },
    });
    payload.write('SQL_AS', payload.indexOf('LATIN1'), 'latin1');
    const [other] = await stepsOf([{ ...startup!, payload }, ...rest]);
    expect(other!.login).toMatchObject({ application: 'caf\\xe9', undecoded: true });
  });

  test('a login that a server refuses in its own words', async () => {
    const refused = await RecordedClient.refused(server, 'nobody \xe9');
    const [login] = await stepsOf(refused);
    expect(login).toMatchObject({ outcome: 'failed', error: { severity: 'FATAL' } });
    expect(JSON.stringify(login)).not.toContain('\ufffd');
  });
});
