import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bareStatement, statementHash } from '#core/access/statements.ts';
import { parseFrontend } from '#core/protocols/postgres/frontend.ts';
import { Frontend, MessageReader } from '#core/protocols/postgres/messages.ts';
import { StatementGate } from '#core/protocols/postgres/statement-gate.ts';
import { cstring, int32, message } from '#core/protocols/postgres/wire.ts';

const int16 = (value: number): Uint8Array => Uint8Array.of(value >> 8, value & 0xff);
const query = (text: string): Uint8Array => message(Frontend.query, cstring(text));
const parse = (name: string, text: string, types: readonly number[] = []): Uint8Array =>
  message(Frontend.parse, cstring(name), cstring(text), int16(types.length), ...types.map(int32));
const bind = (name: string, values: readonly string[] = [], portal = ''): Uint8Array => {
  const sent = values.flatMap((value) => [int32(value.length), Buffer.from(value)]);
  return message(
    Frontend.bind,
    cstring(portal),
    cstring(name),
    int16(0),
    int16(values.length),
    ...sent,
    int16(0),
  );
};
const execute = message(Frontend.execute, cstring(''), int32(0));
const sync = message(Frontend.sync);
const terminate = message(Frontend.terminate);

const gate = (...texts: string[]): StatementGate => new StatementGate(texts.map(statementHash));

/** The outcome of messages, one piece after the other. */
function outcome(
  made: StatementGate,
  ...pieces: readonly Uint8Array[]
): { passed: Buffer; refused?: string } {
  const passed: Uint8Array[] = [];
  let refused: string | undefined;
  for (const piece of pieces) {
    const answer = made.take(piece);
    passed.push(answer.forward);
    refused ??= answer.refused?.message;
    expect(['not-approved', 'protocol-violation', undefined]).toContain(answer.refused?.code);
  }
  return { passed: Buffer.concat(passed), ...(refused === undefined ? {} : { refused }) };
}

const passes = (made: StatementGate, ...pieces: readonly Uint8Array[]): void =>
  expect(outcome(made, ...pieces)).toEqual({ passed: Buffer.concat(pieces) });

describe('what an approval names passes (security case 23)', () => {
  it.each([
    ['as a query', [query('select 1')]],
    ['with the end that clients add', [query(' select 1;\n')]],
    ['in the extended protocol', [parse('', 'select 1'), bind(''), execute, sync]],
    ['under a name', [parse('s1', 'select 1'), sync, bind('s1'), execute, sync]],
    ['with the types of no parameters', [parse('', 'select 1', [23]), bind(''), execute, sync]],
    ['after an empty query', [query(''), query(' ; '), query('select 1')]],
    ['and the goodbye', [query('select 1'), terminate]],
    ['and an empty statement', [parse('', ''), bind(''), execute, bind(''), execute, sync]],
  ])('%s', (_how, pieces) => {
    expect(outcome(gate('select 1'), ...pieces)).toEqual({ passed: Buffer.concat(pieces) });
  });

  it('as often as it is named', () => {
    passes(
      gate('select 1', 'select 2', 'select 1'),
      query('select 1'),
      query('select 2'),
      query('select 1;'),
    );
    expect(outcome(gate('select 1'), query('select 1'), query('select 1'))).toEqual({
      passed: Buffer.from(query('select 1')),
      refused: '"select 1" does not run: it has run as often as was approved',
    });
  });

  it('when it is split at any byte', () => {
    const all = Buffer.concat([query('select 1'), parse('', 'select 2'), bind(''), execute, sync]);
    for (let at = 0; at <= all.length; at += 1) {
      const made = gate('select 1', 'select 2');
      expect(outcome(made, all.subarray(0, at), all.subarray(at))).toEqual({ passed: all });
    }
  });
});

describe('what it does not name does not (security case 23)', () => {
  const bom = Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from('select 1\0')]);
  const latin = Buffer.from('select \xe9\0', 'latin1');
  it.each<[how: string, pieces: Uint8Array[]]>([
    ['another command', [query('drop table orders')]],
    ['another letter case', [query('SELECT 1')]],
    ['two commands in one', [query('select 1; drop table orders')]],
    ['a comment more', [query('select 1 -- x')]],
    ['prepared', [parse('', 'drop table orders')]],
    ['a name that SQL prepared', [bind('secret')]],
    ['values', [parse('', 'select 1'), bind('', ['1'])]],
    ['data', [message(Frontend.copyData, Buffer.from('1,2\n'))]],
    ['a function call', [message(Frontend.functionCall, int32(1), int16(0), int16(0), int16(0))]],
    ['a password', [message(Frontend.password, cstring('x'))]],
    ['an unknown message', [message(0x7a)]],
    ['a byte order mark', [message(Frontend.query, bom)]],
    ['bytes that are no UTF-8', [message(Frontend.query, latin)]],
    ['prepared, after a byte order mark', [message(Frontend.parse, cstring(''), bom, int16(0))]],
    ['more than the text', [message(Frontend.query, cstring('select 1'), Buffer.from('x'))]],
    ['no end', [message(Frontend.query, Buffer.from('select 1'))]],
    ['a length that no message has', [Uint8Array.of(Frontend.query, 0, 0, 0, 3)]],
    ['a negative length', [Uint8Array.of(Frontend.query, 0xff, 0xff, 0xff, 0xff)]],
    ['a length beyond the bound', [Uint8Array.of(Frontend.query, 0, 4, 0, 1)]],
    ['a prepared statement too often', [parse('', 'select 1'), bind(''), execute, bind('')]],
  ])('%s', (_how, pieces) => {
    const made = gate('select 1', 'select \ufffd');
    const { passed, refused } = outcome(made, ...pieces);
    expect(refused).toBeDefined();
    expect(passed).toEqual(Buffer.concat(pieces.slice(0, -1)));
    expect(outcome(made, query('select 1')).passed).toHaveLength(0);
  });

  it('what came before it in the same piece has passed', () => {
    const { passed, refused } = outcome(
      gate('select 1'),
      Buffer.concat([query('select 1'), query('x'), query('select 1')]),
    );
    expect(passed).toEqual(Buffer.from(query('select 1')));
    expect(refused).toBe('"x" does not run: it is not among the commands that were approved');
  });

  const copyIn = 'COPY t FROM STDOUT';
  it.each<[how: string, pieces: Uint8Array[], why: string]>([
    [
      'had another meaning in an earlier batch',
      [parse('', 'a'), sync, parse('', 'b'), sync, bind('')],
      'several',
    ],
    ['is longer than the server keeps', [parse('n'.repeat(63), 'a')], 'too long'],
    ['is no plain text', [parse('é', 'a')], 'plain text'],
    ['may be one that SQL gave', [query('prepare x as b'), parse('x', 'a')], 'not both'],
    ['may be used by SQL', [parse('x', 'a'), query('Execute x')], 'not both'],
    // Before PostgreSQL 14 a COPY takes a Parse for an error of its own, and goes on.
    ['may have been given to a COPY', [query(copyIn), parse('', 'a'), parse('', 'b'), bind('')], 'several'],
  ])('a name that %s', (_how, pieces, why) => {
    const { passed, refused } = outcome(gate('a', 'b', 'prepare x as b', 'Execute x', copyIn), ...pieces);
    expect(refused).toContain(why);
    expect(passed).toEqual(Buffer.concat(pieces.slice(0, -1)));
  });

  it('but a name may mean something else in each batch that says so, and the same again in any', () => {
    const anew = [parse('', 'a'), bind(''), parse('', 'b'), bind(''), sync];
    expect(outcome(gate('a', 'b'), ...anew)).toEqual({ passed: Buffer.concat(anew) });
    const again = [parse('', 'a'), sync, bind(''), sync, parse('', 'a'), sync, bind(''), sync];
    expect(outcome(gate('a', 'a'), ...again)).toEqual({ passed: Buffer.concat(again) });
  });

  it('is shown without what a terminal would obey, and not at length (security case 18)', () => {
    const { refused } = outcome(gate(), query(`\u001b[2J\u202e${'x'.repeat(500)}`));
    expect(refused).not.toMatch(/\p{Cc}|\p{Cf}/u);
    expect(refused!.length).toBeLessThan(150);
  });

  it('a portal may be run again by the server alone: naming a statement anew is counted', () => {
    const twice = [parse('a', 'select 1'), parse('b', 'select 1'), bind('a'), bind('b')];
    expect(outcome(gate('select 1'), ...twice).refused).toContain('as often as was approved');
  });

  it('names are not remembered without end', () => {
    const made = gate('select 1');
    const many = Array.from({ length: 1_001 }, (_, n) => parse(`s${n}`, 'select 1'));
    expect(outcome(made, ...many).refused).toContain('there are too many');
  });
});

describe('whatever is sent', () => {
  const texts = ['select 1', 'select 2;', 'drop table orders', '', ' ; '];
  const text = fc.constantFrom(...texts);
  const name = fc.constantFrom('', 'a', 'b');
  const messages = fc.array(
    fc.oneof(
      text.map(query),
      fc.tuple(name, text).map(([n, t]) => parse(n, t)),
      name.map((n) => bind(n)),
      fc.constantFrom(execute, sync, message(Frontend.flush)),
      fc.uint8Array({ maxLength: 12 }),
    ),
    { maxLength: 12 },
  );
  const cuts = fc.array(fc.nat(200), { maxLength: 6 });

  it('runs nothing else, and nothing more often; and how it is cut makes no difference', () => {
    fc.assert(
      fc.property(messages, fc.array(text, { maxLength: 4 }), cuts, (sent, named, at) => {
        const approved = named.filter((one) => bareStatement(one) !== '');
        const all = Buffer.concat(sent);
        const whole = outcome(gate(...approved), all);
        const borders = [0, ...at.map((n) => Math.min(n, all.length)).sort((a, b) => a - b), all.length];
        const pieces = borders.slice(1).map((end, i) => all.subarray(borders[i], end));
        expect(outcome(gate(...approved), ...pieces)).toEqual(whole);
        const ran = commandsOf(whole.passed);
        for (const one of new Set(ran)) {
          const times = (list: readonly string[]): number =>
            list.filter((other) => bareStatement(other) === one).length;
          expect(times(ran)).toBeLessThanOrEqual(times(approved));
        }
      }),
      { numRuns: 500 },
    );
  });
});

/** The commands that a server would run, by a reader of its own. */
function commandsOf(passed: Uint8Array): string[] {
  const reader = new MessageReader(1 << 20);
  reader.push(passed);
  const prepared = new Map<string, string>();
  const ran: string[] = [];
  for (const wire of reader) {
    if (wire.truncated) throw new Error('a message that is too long has passed');
    const sent = parseFrontend(wire.type, wire.body);
    if (sent.kind === 'query') ran.push(bareStatement(sent.text));
    if (sent.kind === 'parse') prepared.set(sent.statement, bareStatement(sent.text));
    if (sent.kind === 'bind') ran.push(prepared.get(sent.statement)!);
  }
  expect(reader.incomplete).toBe(false);
  return ran.filter((one) => one !== '');
}
