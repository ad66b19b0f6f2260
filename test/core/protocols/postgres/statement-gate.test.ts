import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bareStatement } from '#core/access/statements.ts';
import { parseFrontend } from '#core/protocols/postgres/frontend.ts';
import { Frontend, MessageReader } from '#core/protocols/postgres/messages.ts';
import { cstring, int32, message } from '#core/protocols/postgres/wire.ts';
import { Gated } from '#test/support/gated.ts';

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

const gate = (...texts: string[]): Gated => new Gated(texts);

/** The outcome of messages, one piece after the other. */
function outcome(made: Gated, ...pieces: readonly Uint8Array[]): { passed: Buffer; refused?: string } {
  const passed = Buffer.concat(pieces.map((piece) => made.take(piece)));
  for (const { code } of made.refusals) expect(['not-approved', 'protocol-violation']).toContain(code);
  const [first] = made.refusals;
  return { passed, ...(first === undefined ? {} : { refused: first.message }) };
}

const passes = (made: Gated, ...pieces: readonly Uint8Array[]): void =>
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
      refused: 'this command does not run: it has run as often as was approved',
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

const ENDS = ['a password', 'an unknown message', 'a length that no message has', 'a negative length'];

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
    ['a length beyond the bound', [query('x'.repeat(256 << 10))]],
    ['a prepared statement too often', [parse('', 'select 1'), bind(''), bind(''), bind('')]],
    ['a query in the middle of a pipeline', [parse('', 'select 1'), query('select 1')]],
    [
      'a pipeline that is longer than the bound',
      Array.from({ length: 9 }, () => parse('', 'x'.repeat(32_000))),
    ],
  ])('%s', (_how, pieces) => {
    const made = gate('select 1', 'select 1', 'select \ufffd');
    const { passed, refused } = outcome(made, ...pieces, sync);
    expect(refused).toBeDefined();
    expect(commandsOf(passed)).toEqual([]);
    // The session goes on, but for what ends it at any server.
    const goes = outcome(made, query('select 1')).passed.length > 0;
    expect(goes).toBe(!ENDS.includes(_how));
  });

  it('what comes before and after it passes, and nothing of its own pipeline', () => {
    const [one, two] = [query('select 1'), query('select 2')];
    const refusedOne = [parse('', 'select 1'), bind(''), execute, parse('', 'x'), bind(''), execute, sync];
    const made = gate('select 1', 'select 2', 'select 1');
    expect(outcome(made, Buffer.concat([one, query('x'), ...refusedOne, two, one]))).toEqual({
      passed: Buffer.concat([one, two, one]),
      refused: 'this command does not run: it is not among the commands that were approved',
    });
    expect(made.refusals).toHaveLength(2);
  });

  it('what follows it in its pipeline is passed over, until a Sync', () => {
    const flush = message(Frontend.flush);
    const sent = [parse('', 'x'), flush, parse('', 'select 1'), bind(''), execute, flush, query('select 1')];
    const made = gate('select 1');
    expect(outcome(made, ...sent, sync).passed).toHaveLength(0);
    passes(gate('select 1'), query('select 1'));
    expect(made.refusals).toHaveLength(1);
    expect(made.take(query('select 1'))).toEqual(Buffer.from(query('select 1')));
  });

  it('data that no COPY waits for is passed over, as a server does', () => {
    const data = [message(Frontend.copyData, Buffer.from('1,2\n')), message(Frontend.copyDone)];
    const made = gate('select 1', 'copy t from stdin');
    expect(outcome(made, ...data, query('select 1')).passed).toEqual(Buffer.from(query('select 1')));
    expect(outcome(made, query('copy t from stdin')).refused).toContain(
      'its data is not part of what was approved',
    );
  });

  const copyOut = 'COPY t TO STDOUT';
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
    ['may have been given to a COPY', [query(copyOut), parse('', 'a'), parse('', 'b'), bind('')], 'several'],
  ])('a name that %s', (_how, pieces, why) => {
    const approved = ['a', 'b', 'prepare x as b', 'Execute x', copyOut];
    const { refused } = outcome(
      gate(...approved),
      ...pieces.flatMap((piece) => (piece[0] === Frontend.query ? [sync, piece] : [piece])),
      sync,
    );
    expect(refused).toContain(why);
  });

  it('but a name may mean something else in each batch that says so, and the same again in any', () => {
    const anew = [parse('', 'a'), bind(''), parse('', 'b'), bind(''), sync];
    expect(outcome(gate('a', 'b'), ...anew)).toEqual({ passed: Buffer.concat(anew) });
    const again = [parse('', 'a'), sync, bind(''), sync, parse('', 'a'), sync, bind(''), sync];
    expect(outcome(gate('a', 'a'), ...again)).toEqual({ passed: Buffer.concat(again) });
  });

  it('nothing of its text is said again: the close statement and the log are for more eyes (security case 15)', () => {
    const made = gate('select 1');
    outcome(made, query("alter role app password 's3cret'"), parse('s3cret', 's3cret'), bind('s3cret'), sync);
    outcome(made, bind('s3cret'), sync, query('select 1'), query('select 1'));
    expect(made.refusals.length).toBe(4);
    expect(
      JSON.stringify(made.refusals.map(({ message, hint, detail }) => [message, hint, detail])),
    ).not.toMatch(/s3cret|select/);
  });

  it('a portal may be run again by the server alone: naming a statement anew is counted', () => {
    const twice = [parse('a', 'select 1'), parse('b', 'select 1'), bind('a'), bind('b'), sync];
    expect(outcome(gate('select 1'), ...twice).refused).toContain('as often as was approved');
  });

  it('names are not remembered without end', () => {
    const made = gate('select 1');
    const many = Array.from({ length: 1_001 }, (_, n) => [parse(`s${n}`, 'select 1'), sync]).flat();
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
        const all = Buffer.concat([...sent, sync]);
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
