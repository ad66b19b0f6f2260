import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Api } from '../../../console/api/client.ts';
import { EventParser, type ServerEvent, serverEvents } from '../../../console/api/events.ts';
import type { Problem } from '../../../console/api/problem.ts';
import { stubFetch } from './stub-fetch.ts';

const STREAM = [
  '\uFEFF: a comment\nretry: 25\n\n',
  'id: 1\nevent: terminal\ndata: {"n":1}\n\n',
  'event: lag\r\ndata: one\r\ndata:  two\r\n\r\n',
  'event: of-nothing\n\n',
  'id: 2\rdata\rdata: ü€😀\r\r',
  'id: \0bad\nunknown: x\ndata: last\n\n',
  'data: never whole',
].join('');

const EVENTS: readonly ServerEvent[] = [
  { event: 'terminal', data: '{"n":1}', id: '1' },
  { event: 'lag', data: 'one\n two', id: '1' },
  { event: 'message', data: '\nü€😀', id: '2' },
  { event: 'message', data: 'last', id: '2' },
];

function parsedIn(pieces: readonly string[]): ServerEvent[] {
  const parser = new EventParser();
  return pieces.flatMap((piece) => [...parser.take(piece)]);
}

test('events are the same however their text is cut', () => {
  expect(parsedIn([STREAM])).toEqual(EVENTS);
  expect(parsedIn(STREAM.split(''))).toEqual(EVENTS);
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(STREAM.length), { maxLength: 12 }), (cuts) => {
      const at = [0, ...cuts.toSorted((a, b) => a - b), STREAM.length];
      expect(parsedIn(at.slice(1).map((end, index) => STREAM.slice(at[index], end)))).toEqual(EVENTS);
    }),
  );
});

test('anything at all is parsed, and what is said of an event stays its own', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ maxLength: 20 }), { maxLength: 8 }), (pieces) => {
      for (const { event, data } of parsedIn(pieces)) expect(`${event}${data}`).not.toMatch(/\r/);
    }),
  );
});

test('an event without an end is given up before it fills the memory', () => {
  const parser = new EventParser();
  const piece = `data: ${'x'.repeat(4 << 20)}\n`;
  expect(() => {
    for (let at = 0; at < 5; at += 1) for (const _ of parser.take(piece));
    for (const _ of parser.take('data: x'));
  }).toThrow('too long');
});

const api = new Api(() => Promise.resolve('token'));

async function taken(count: number, signal = new AbortController().signal, away: unknown[] = []) {
  const events: ServerEvent[] = [];
  const onAway = (problem: Problem | undefined): void => void away.push(problem?.code);
  for await (const event of serverEvents(api, '/v1/x', { signal, onAway })) {
    events.push(event);
    if (events.length === count) break;
  }
  return events;
}

test('an answer that ends or breaks off is asked for again behind its last event, and whoever stops taking ends it', async () => {
  const asked = stubFetch(
    () => new Response('retry: 1\n\nid: 7\ndata: a\n\n'),
    () => new Response('busy', { status: 503 }),
    () => {
      throw new TypeError('network');
    },
    () => new Response('id: 8\ndata: b\n\ndata: c\n\n'),
  );
  const away: unknown[] = [];
  expect((await taken(2, undefined, away)).map(({ data }) => data)).toEqual(['a', 'b']);
  expect(asked.map(({ headers }) => headers['last-event-id'])).toEqual([undefined, '7', '7', '7']);
  expect(asked[0]!.headers['authorization']).toBe('Bearer token');
  expect(away).toEqual(['internal', 'unreachable', undefined]);
  expect(asked.at(-1)!.signal?.aborted).toBe(true);
});

test('what is said of the caller is told, not asked again', async () => {
  const asked = stubFetch(() => Response.json({ code: 'not-permitted', detail: 'no' }, { status: 403 }));
  await expect(taken(1)).rejects.toMatchObject({ code: 'not-permitted', status: 403 });
  expect(asked.length).toBe(1);
});

test('who is gone is told nothing, also while it waits to ask again', async () => {
  const ending = new AbortController();
  stubFetch(() => {
    setTimeout(() => ending.abort(), 0);
    return new Response('retry: 900000\n\n');
  });
  expect(await taken(1, ending.signal)).toEqual([]);
});
