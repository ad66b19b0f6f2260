/** What is recorded when its window is over already goes on once the recorder has caught up. */
import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { CustodyError } from '#core/errors.ts';
import { Record } from '#core/protocols/kubernetes/tape.ts';
import { until } from '#test/support/relay-stand.ts';
import type { StandOptions } from './stand.ts';
import { type Answer, bearer, bodyOf, byHttp1, byHttp2, type Handler, stood } from './target.ts';

const PODS = '/clusters/prod/api/v1/namespaces/dev/pods';
const SECRETS = '/clusters/prod/api/v1/namespaces/dev/secrets/a';
const answers: Handler = (_, response) => void response.end('{}');

// Only the relay's own look at the clock, so that nothing but what is recorded finds the window over.
beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] }));
afterEach(() => void vi.useRealTimers());

async function held(handler: Handler, options: Partial<StandOptions> = {}) {
  const clock = { now: 1 };
  return { clock, ...(await stood(handler, { isHeld: true, clock: () => clock.now, ...options })) };
}

async function turns(): Promise<void> {
  for (let turn = 0; turn < 1_000; turn += 1) await new Promise(setImmediate);
}

describe.each([
  ['HTTP/1.1', byHttp1],
  ['HTTP/2', byHttp2],
] as const)('when the window of a session is over, by %s', (_, ask) => {
  it('a request waits', async () => {
    const { stand, clock, seen } = await held(answers);
    await ask(stand, PODS);
    clock.now += 251;
    const asked = ask(stand, PODS);
    await until(() => stand.records().filter(({ type }) => type === Record.forwarded).length === 2);
    await turns();
    expect(seen).toHaveLength(1);
    stand.makeDurable();
    expect(await asked).toMatchObject({ status: 200, body: '{}' });
  });

  it('a request that waits is refused when the session ends, and goes nowhere', async () => {
    const { stand, clock, seen } = await held(answers);
    await ask(stand, PODS);
    clock.now += 251;
    const asked = ask(stand, PODS);
    await until(() => stand.records().filter(({ type }) => type === Record.forwarded).length === 2);
    stand.begun[0]!.link.end('terminated', new CustodyError('terminated', 'it is over'));
    stand.makeDurable();
    expect((await asked).body).toContain('it is over');
    await turns();
    expect(seen).toHaveLength(1);
  });
});

/** What the client sees as a whole answer though nothing more was read of it: a last piece, or a head that is all. */
it.each([
  ['a piece', byHttp1, { status: 200, body: '{}' }],
  ['a head', byHttp2, { status: 204, body: '' }],
] as const)('an answer waits: %s of it', async (what, ask, whole) => {
  const waiting: ServerResponse[] = [];
  const { stand, clock } = await held((_asked, response) => void waiting.push(response));
  let answer: Answer | undefined;
  const asked = ask(stand, PODS).then((came) => (answer = came));
  await until(() => waiting.length === 1);
  const ofTarget = (): number => stand.records().filter(({ stream }) => stream === 'target').length;
  if (what === 'a piece') waiting[0]!.writeHead(200, { 'content-length': '2' }).flushHeaders();
  await until(() => ofTarget() === (what === 'a piece' ? 1 : 0));
  clock.now += 251;
  if (what === 'a head') waiting[0]!.writeHead(204);
  waiting[0]!.end(whole.body);
  await until(() => ofTarget() > (what === 'a piece' ? 1 : 0));
  await turns();
  expect(answer).toBeUndefined();
  stand.makeDurable();
  expect(await asked).toMatchObject(whole);
});

it('what cannot be said to the client then breaks its own call, and no other', async () => {
  const waiting: ServerResponse[] = [];
  const { stand, clock } = await held((_asked, response) => void waiting.push(response));
  const asked = byHttp2(stand, PODS);
  await until(() => waiting.length === 1);
  clock.now += 251;
  // Node says no such head in HTTP/2.
  waiting[0]!.writeHead(200, ['content-type', 'text/plain', 'content-type', 'text/html']).end('twice');
  await until(() => stand.records().some(({ stream }) => stream === 'target'));
  const other = byHttp1(stand, PODS);
  stand.makeDurable();
  await expect(asked).rejects.toThrow(/Stream closed/);
  await until(() => waiting.length === 2);
  waiting[1]!.end('{}');
  expect(await other).toMatchObject({ status: 200, body: '{}' });
});

it('an answer whose end waits is broken off when the session ends', async () => {
  const waiting: ServerResponse[] = [];
  const { stand, clock } = await held((_asked, response) => void waiting.push(response));
  const asked = byHttp1(stand, PODS);
  await until(() => waiting.length === 1);
  waiting[0]!.write('{');
  await until(() => bodyOf(stand, 'target') === '{');
  clock.now += 251;
  const other = byHttp1(stand, PODS);
  await until(() => stand.records().filter(({ type }) => type === Record.forwarded).length === 2);
  waiting[0]!.end();
  await turns();
  stand.begun[0]!.link.end('terminated', new CustodyError('terminated', 'it is over'));
  await expect(asked).rejects.toThrow('aborted');
  expect((await other).body).toContain('it is over');
});

it.each([
  ['', []],
  ['{"a":1}', [7]],
])(
  'a request that was looked at for long waits, and what goes nowhere of its body "%s" is noted',
  async (body, unsent) => {
    const verdict = Promise.withResolvers<{ readonly kind: 'passes' }>();
    const { stand, clock, seen } = await held(answers, { judgeOf: () => ({ judge: () => verdict.promise }) });
    const asked = byHttp1(stand, PODS, { method: body === '' ? 'GET' : 'POST', body, headers: bearer });
    await until(() => stand.records().some(({ type }) => type === Record.head));
    clock.now += 251;
    verdict.resolve({ kind: 'passes' });
    await until(() => stand.records().some(({ type }) => type === Record.forwarded));
    await turns();
    expect(seen).toHaveLength(0);
    stand.begun[0]!.link.end('terminated', new CustodyError('terminated', 'it is over'));
    expect((await asked).body).toContain('it is over');
    stand.makeDurable();
    const notes = stand.notes().filter(({ note }) => note === 'not-forwarded');
    expect(notes).toEqual(unsent.map((bytes) => ({ note: 'not-forwarded', call: 1, bytes })));
  },
);

it('a secret that is recorded whole at its end waits', async () => {
  const secret = JSON.stringify({ kind: 'Secret', apiVersion: 'v1', data: { password: 'aHVudGVyMg==' } });
  const waiting: ServerResponse[] = [];
  const { stand, clock } = await held((_asked, response) => void waiting.push(response), {
    target: 'withhold: [secrets]',
  });
  let answer: Answer | undefined;
  const asked = byHttp1(stand, SECRETS).then((came) => (answer = came));
  await until(() => waiting.length === 1);
  const head = { 'content-type': 'application/json', 'content-length': secret.length };
  waiting[0]!.writeHead(200, head).write(secret.slice(0, -1));
  await until(() => stand.records().some(({ stream }) => stream === 'target'));
  await turns();
  clock.now += 251;
  waiting[0]!.end(secret.slice(-1));
  await until(() =>
    stand.records().some(({ stream, type }) => stream === 'target' && type === Record.withheld),
  );
  await turns();
  expect(answer).toBeUndefined();
  stand.makeDurable();
  expect((await asked).body).toBe(secret);
});
