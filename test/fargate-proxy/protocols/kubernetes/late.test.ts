/** What is recorded when its window is over already goes on once the recorder has caught up. */
import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { CustodyError } from '#core/errors.ts';
import { Record } from '#core/protocols/kubernetes/tape.ts';
import { until } from '#test/support/relay-stand.ts';
import { type Answer, byHttp1, byHttp2, type Handler, stood } from './target.ts';

const PODS = '/clusters/prod/api/v1/namespaces/dev/pods';
const answers: Handler = (_, response) => void response.end('{}');

// Only the relay's own look at the clock, so that nothing but what is recorded finds the window over.
beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] }));
afterEach(() => void vi.useRealTimers());

async function held(handler: Handler) {
  const clock = { now: 1 };
  return { clock, ...(await stood(handler, { isHeld: true, clock: () => clock.now })) };
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
