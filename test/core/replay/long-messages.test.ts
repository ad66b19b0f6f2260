import { serialize } from 'pg-protocol';
import { describe, expect, test } from 'vitest';
import { cstring, int32, message } from '#core/protocols/postgres/wire.ts';
import { REPLAY_LIMITS, type Step } from '#core/replay/postgres/step.ts';
import type { ReplayFrame } from '#core/replay/step.ts';
import { conversation, framesOf, int16, LOGIN, type Said, server, stepsOf } from './support.ts';

const { parse, bind, execute, sync, query, describe: describeMessage } = serialize;

const MOST = 65_535;
const LONG = 'x'.repeat(1_000_000);

function count(value: number): Uint8Array {
  return Uint8Array.of(value >>> 8, value);
}

function values(items: readonly (string | null)[]): Uint8Array[] {
  return items.flatMap((item) =>
    item === null ? [int32(-1)] : [int32(Buffer.byteLength(item)), Buffer.from(item)],
  );
}

/** In pieces of `size` bytes. */
function cut(said: readonly Said[], size: number): ReplayFrame[] {
  return framesOf(said).flatMap((frame) => {
    const pieces = Math.ceil(frame.payload.length / size);
    return Array.from({ length: pieces }, (_, at) => ({
      ...frame,
      payload: frame.payload.subarray(at * size, (at + 1) * size),
    }));
  });
}

function report(fields: Readonly<Record<string, string>>): Uint8Array {
  return message(
    0x45,
    ...Object.entries(fields).map(([letter, text]) => cstring(letter + text)),
    Uint8Array.of(0),
  );
}

const executed = (...messages: Uint8Array[]): Said[] => [
  ['client', parse({ text: 'select' }), ...messages, execute(), sync()],
  ['target', server.parseComplete, server.bindComplete, server.tag('SELECT 0'), server.ready],
];

describe('messages that are too long to be kept', () => {
  test('a Bind: every value with its true length, and the text of as many as there is room for', async () => {
    const [step] = await conversation(
      executed(
        bind({ values: [LONG, 'after', null, ...Array.from({ length: MOST - 3 }, () => 'abcdefgh')] }),
      ),
    );
    expect(step!.values!.length).toBe(MOST);
    expect(step!.values!.slice(0, 4)).toEqual([
      { text: 'x'.repeat(REPLAY_LIMITS.value), bytes: 1_000_000, cut: true },
      { text: 'after', bytes: 5, cut: false },
      null,
      { text: 'abcdefgh', bytes: 8, cut: false },
    ]);
    expect(step!.values!.at(-1)).toEqual({ text: '', bytes: 8, cut: true });
  });

  test('a function call: the same, and its formats', async () => {
    const body = [int32(957), count(1), int16(0), count(2), ...values([LONG, 'after']), int16(0)];
    const [step] = await conversation([
      ['client', message(0x46, ...body)],
      ['target', message(0x56, ...values([LONG])), server.ready],
    ]);
    expect(step!.values).toMatchObject([
      { bytes: 1_000_000, cut: true },
      { text: 'after', cut: false },
    ]);
    expect(step!.rows).toEqual([[{ text: 'x'.repeat(REPLAY_LIMITS.value), bytes: 1_000_000, cut: true }]]);
  });

  test('the types of as many parameters as there can be', async () => {
    const types = Array.from({ length: MOST }, () => 23);
    const bytes = Buffer.from([0, 0, 0, 7]);
    const steps = await conversation([
      ['client', parse({ name: 's', text: LONG }), describeMessage({ type: 'S', name: 's' }), sync()],
      [
        'target',
        server.parseComplete,
        message(0x74, count(MOST), ...types.map(int32)),
        server.columns(['a', 23]),
        server.ready,
      ],
      [
        'client',
        bind({ statement: 's', values: Array.from({ length: MOST }, () => bytes), binary: true }),
        execute(),
        sync(),
      ],
      ['target', server.bindComplete, server.tag('SELECT 0'), server.ready],
    ]);
    expect(steps.map(({ kind }) => kind)).toEqual(['prepare', 'execute']);
    expect(steps[1]!.statement).toMatchObject({ bytes: 1_000_000, cut: true });
    expect(steps[1]!.values![0]).toEqual({ text: '7', bytes: 4, cut: false });
    expect(steps[1]!.values!.length).toBe(MOST);
  });

  test('a Parse: its text has its true length, and its types are read', async () => {
    const oids = Array.from({ length: MOST }, () => 23);
    const [step] = await conversation([
      [
        'client',
        parse({ text: LONG, types: oids }),
        bind({ values: [Buffer.from([0, 0, 0, 7])], binary: true }),
        execute(),
        sync(),
      ],
      ['target', server.parseComplete, server.bindComplete, server.tag('SELECT 0'), server.ready],
    ]);
    expect(step!.statement).toMatchObject({ bytes: 1_000_000, cut: true });
    expect(step!.values).toEqual([{ text: '7', bytes: 4, cut: false }]);
  });

  test('an error: no field costs another, and each says how long it is', async () => {
    const fields = {
      S: 'ERROR',
      V: 'ERROR',
      C: '22000',
      M: LONG,
      D: LONG,
      H: 'a hint',
      P: '7',
      W: 'a place',
    };
    const [step] = await conversation([
      ['client', query('select')],
      ['target', report(fields), server.ready],
    ]);
    const kept = 'x'.repeat(REPLAY_LIMITS.text);
    expect(step!.error).toEqual({
      severity: 'ERROR',
      sqlstate: '22000',
      message: kept,
      detail: kept,
      hint: 'a hint',
      position: '7',
      where: 'a place',
      cut: { message: 1_000_000, detail: 1_000_000 },
    });
  });

  test('a row of as many columns as a table can have, under long names', async () => {
    const names = Array.from({ length: 1600 }, (_, at) => `${at}_${'n'.repeat(300)}`);
    const cells = names.map(() => 'v'.repeat(1000));
    const [step] = await conversation([
      ['client', query('select')],
      [
        'target',
        server.columns(...names.map((name) => [name, 25] as const)),
        server.row(...cells),
        server.tag('SELECT 1'),
        server.ready,
      ],
    ]);
    expect(step!.columns!.length).toBe(1600);
    expect(step!.columns![7]).toEqual({ name: names[7], type: 25 });
    expect(step!.rows![0]!.length).toBe(1600);
    expect(step!.rows![0]!.every((value) => value!.bytes === 1000)).toBe(true);
    expect(step!.rows![0]![0]).toEqual({ text: cells[0], bytes: 1000, cut: false });
  });

  test('a notification, data of a COPY, notices', async () => {
    const notice = message(0x4e, ...[`SNOTICE`, `M${LONG}`].map(cstring), Uint8Array.of(0));
    const steps = await conversation([
      ['target', server.notification('channel', LONG)],
      ['client', query('copy t to stdout')],
      ['target', server.copyOut, server.copyData(LONG), ...Array.from({ length: 120 }, () => notice)],
      ['target', server.copyDone, server.tag('COPY 1'), server.ready],
    ]);
    expect(steps[0]!.notification!.payload).toMatchObject({ bytes: 1_000_000, cut: true });
    expect(steps[1]!.copy).toMatchObject({
      messages: 1,
      bytes: 1_000_000,
      sample: { bytes: 1_000_000, cut: true },
    });
    expect(steps[1]!.notices![0]).toMatchObject({ cut: { message: 1_000_000 } });
    expect(steps[1]!.notices!.length + steps[1]!.noticesLeftOut!).toBe(120);
  });

  test.each([1, 7, 4096, 300_000])('however they come: in pieces of %i bytes', async (size) => {
    const long = 'é'.repeat(size === 1 ? 140_000 : 500_000);
    const said: Said[] = [
      ...LOGIN,
      ...executed(bind({ values: [long, 'after', null] })),
      ['client', query(long)],
      [
        'target',
        server.columns(['a', 25]),
        server.row(long, 'b'),
        report({ S: 'ERROR', M: long, H: 'hint' }),
        server.ready,
      ],
    ];
    const times = (steps: readonly Step[]): Step[] => steps.map((step) => ({ ...step, at: 0, took: 0 }));
    expect(times(await stepsOf(cut(said, size)))).toEqual(times(await stepsOf(framesOf(said))));
  });

  test('memory does not grow with what a message claims or holds', async () => {
    const piece = Buffer.alloc(1 << 20, 'y');
    const frame = (payload: Uint8Array): ReplayFrame => ({
      stream: 'target',
      withheld: false,
      timeUs: 0,
      payload,
    });
    function* endless(): Generator<ReplayFrame> {
      yield* framesOf([...LOGIN, ['client', query('select')], ['target', server.columns(['a', 25])]]);
      yield frame(Buffer.concat([Buffer.from('D'), int32((1 << 28) + 10), count(1), int32(1 << 28)]));
      for (let n = 0; n < 256; n++) yield frame(piece);
      yield frame(Buffer.concat([server.tag('SELECT 1'), server.ready]));
    }
    const before = process.memoryUsage().rss;
    const steps = await stepsOf(endless());
    expect(steps[1]!.rows![0]![0]).toMatchObject({ bytes: 1 << 28, cut: true });
    expect(process.memoryUsage().rss - before).toBeLessThan(150 << 20);
  });

  test('one that is not well-formed is said to be damaged', async () => {
    const steps = await conversation([
      ['client', query('select')],
      [
        'target',
        message(0x44, count(2), int32(300_000), Buffer.alloc(300_000)),
        server.tag('SELECT 1'),
        server.ready,
      ],
      ['client', message(0x51, Buffer.alloc(300_000, 'q')), query('select 2')],
      ['target', server.tag('SELECT 1'), server.ready, server.tag('SELECT 2'), server.ready],
    ]);
    expect(steps.map(({ kind }) => kind)).toEqual(['damaged', 'query', 'damaged', 'query', 'query']);
  });
});
