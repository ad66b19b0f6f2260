import * as fc from 'fast-check';
import { serialize } from 'pg-protocol';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { message } from '#core/protocols/postgres/wire.ts';
import type { Step } from '#core/replay/postgres/step.ts';
import type { Shown } from '#core/replay/step.ts';
import {
  type DebianPostgres,
  hasDebianPostgres,
  startDebianPostgres,
} from '#test/support/debian-postgres.ts';
import { freePortBase } from '#test/support/local-gateway.ts';
import { RecordedClient } from '#test/support/recorded-client.ts';
import { stepsOf } from './support.ts';

const { bind, execute, sync } = serialize;

const ENCODINGS = ['UTF8', 'LATIN1', 'WIN1251', 'SJIS', 'EUC_JP', 'GB18030', 'SQL_ASCII'];
/** Bytes that say something in some of these, and something else in others. */
const BYTES = ['c3a9', 'e9', 'cff0', '955c', 'c9bd', '8139ee39', 'd2bb', 'e4b880', 'b1'];

const anyEncoding = fc.constantFrom(...ENCODINGS);
/** The server itself says, in hexadecimal of UTF-8, what it understood. */
const anyProbe = fc.constantFrom(...BYTES).map((hex) => {
  const word = Buffer.from(hex, 'hex').toString('latin1');
  return `select '${word}' as v, encode(convert_to('${word}', 'UTF8'), 'hex'), encode(convert_to(current_query(), 'UTF8'), 'hex')`;
});
const anyChange = fc.oneof(
  anyEncoding.map((name) => `set client_encoding to '${name}'`),
  anyEncoding.map((name) => `Set /* x */ Session "client_encoding" = ${name}`),
  anyEncoding.map((name) => `set names '${name}'`),
  anyEncoding.map((name) => `set local client_encoding to ${name}`),
  anyEncoding.map((name) => `select set_config('client_encoding', '${name}', false)`),
  anyEncoding.map((name) => `select set_config('client' || '_encoding', '${name}', true)`),
  anyEncoding.map((name) => `select hidden('${name}')`),
  fc.constantFrom(
    'reset client_encoding',
    'begin',
    'commit',
    'rollback',
    'savepoint a',
    'rollback to a',
    'reset all',
  ),
);
const anyCommands = fc.array(fc.oneof(anyProbe, anyChange), { minLength: 1, maxLength: 7 });
const anyBatch = fc.record({
  commands: anyCommands,
  kind: fc.constantFrom('query', 'each', 'pipeline', 'prepared'),
});

function latin1Message(type: number, ...texts: string[]): Uint8Array {
  return message(type, Buffer.from(texts.join('\0'), 'latin1'));
}

/** Messages of a batch, and how often the server is ready for them. */
function messagesOf({ commands, kind }: { commands: string[]; kind: string }, at: number): Uint8Array[][] {
  if (kind === 'query') return [[latin1Message(0x51, commands.join('; '), '')]];
  if (kind === 'each') return commands.map((text) => [latin1Message(0x51, text, '')]);
  const name = (n: number): string => (kind === 'prepared' ? `s${at}_${n}` : '');
  const parse = (text: string, n: number): Uint8Array => latin1Message(0x50, name(n), text, '\0\0');
  const run = (n: number): Uint8Array[] => [bind({ statement: name(n) }), execute()];
  if (kind === 'pipeline') return [[...commands.flatMap((text, n) => [parse(text, n), ...run(n)]), sync()]];
  return [
    [...commands.map(parse), sync()],
    [...commands.flatMap((_, n) => run(n)), sync()],
  ];
}

const counts = { right: 0, bytes: 0 };

function isRight({ text, undecoded, cut }: Shown, hex: string): boolean {
  if (undecoded || cut) counts.bytes++;
  else counts.right++;
  return undecoded === true || cut || text === Buffer.from(hex, 'hex').toString();
}

/** What is shown is what the server understood, or is marked. */
function wrong(steps: readonly Step[]): Step[] {
  return steps.filter(({ kind, statement, rows }) => {
    const [value, hex, query] = rows?.[0] ?? [];
    if (!value || !hex || !query) return false;
    const isText = kind === 'execute' || !query.text.includes('3b20');
    return !isRight(value, hex.text) || !(isRight(statement!, query.text) || !isText);
  });
}

describe.skipIf(!hasDebianPostgres())('encodings that change at random, by a real server', () => {
  let server: DebianPostgres;

  beforeAll(async () => {
    server = await startDebianPostgres(await freePortBase(), 'md5');
    const client = await RecordedClient.login(server);
    const body = "begin perform set_config('client' || '_encoding', $1, false); end";
    await client.ask(
      latin1Message(0x51, `create function hidden(text) returns void language plpgsql as $$${body}$$`, ''),
    );
    client.end();
  });
  afterAll(() => server.stop());

  test('never another letter', async () => {
    const program = fc.tuple(anyEncoding, fc.array(anyBatch, { minLength: 1, maxLength: 6 }));
    await fc.assert(
      fc.asyncProperty(program, async ([encoding, batches]) => {
        const client = await RecordedClient.login(server, [['client_encoding', encoding]]);
        for (const messages of batches.flatMap(messagesOf)) await client.ask(...messages);
        client.end();
        const steps = await stepsOf(client.frames);
        expect(wrong(steps)).toEqual([]);
        expect(steps.filter(({ kind }) => kind === 'damaged' || kind === 'unmatched')).toEqual([]);
      }),
      { numRuns: Number(process.env['CUSTODY_ENCODING_RUNS'] ?? 100) },
    );
    expect(counts.right).toBeGreaterThan(counts.bytes);
  }, 600_000);
});
