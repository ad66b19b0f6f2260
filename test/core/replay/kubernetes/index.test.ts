/** What is made of a session once it is sealed: its index, its summary, and what a search finds it by. */
import { beforeAll, expect, it } from 'vitest';
import { openSearch } from '#adapters/local/search/search.ts';
import { indexSession, type SessionSteps } from '#core/replay/index/index-session.ts';
import { readSummary } from '#core/replay/index/read-summary.ts';
import { LOAD_FACTS } from '#core/replay/load-facts.ts';
import { READERS } from '#core/replay/readers.ts';
import { summaryLines } from '#core/replay/summary/lines.ts';
import { allHits, sessionAt } from '#test/contract/step-search.ts';
import { allOf, recorded, type Stored, stepsIn } from '#test/core/replay/index/support.ts';
import { DEPLOYMENTS, deployment, PODS, pod, Tape } from './support.ts';

const TARGET = { name: 'prod', protocol: 'kubernetes', address: '10.0.0.1:6443' } as const;
let there: Stored;
let steps: SessionSteps;

beforeAll(async () => {
  const tape = new Tape();
  tape.call({ target: `${DEPLOYMENTS}/web` }, 200, deployment(1));
  tape.call({ method: 'PATCH', target: `${DEPLOYMENTS}/web`, body: '{}' }, 200, deployment(3));
  tape.call({ target: PODS }, 200, { kind: 'PodList', items: [pod('a')] });
  const status = { kind: 'Status', reason: 'Forbidden', message: 'no' };
  tape.call({ method: 'DELETE', target: `${PODS}/a` }, 403, status);
  there = await recorded(tape.frames, { open: { target: TARGET } });
  await indexSession(there.session, there);
  steps = await stepsIn(there);
});

it('an index has its steps, what wrote and what failed', async () => {
  const all = await allOf(steps);
  expect(all.map(({ kind }) => kind)).toEqual(['login', 'call', 'call', 'call', 'call', 'end']);
  const page = { place: { cursor: 0 }, direction: 'next', limit: 10 } as const;
  const writes = await steps.page({ ...page, writes: true });
  expect(writes.steps.map(({ number }) => number)).toEqual([3]);
  const errors = await steps.page({ ...page, errors: true });
  expect(errors.steps.map(({ number, outcome }) => [number, outcome])).toEqual([[5, 'refused']]);
});

it('a summary names what was touched, with the step', async () => {
  const summary = await readSummary(
    { id: there.session, protocol: 'kubernetes' },
    there.store,
    there.signer.der,
  );
  const lines = summaryLines(summary!).map(({ text, step }) => [text, step]);
  expect(lines).toEqual(
    expect.arrayContaining([
      ['deployments.apps dev/web: read once, written once', 2],
      ['pods dev/*: read once', 4],
      ['pods dev/a: failed once', 5],
      ['error 403: once', 5],
      ['error Forbidden: once', 5],
    ]),
  );
});

it('a search finds a step by the object, by how it was touched, by a value that it had, and by its verb', async () => {
  const search = await openSearch(':memory:');
  const factsOf = await LOAD_FACTS.get('kubernetes')!();
  const reader = READERS.get('kubernetes')!;
  async function* searched() {
    for (const { number, at, json } of await allOf(steps))
      yield { step: number, at, facts: factsOf(reader.ofJson(json)) };
  }
  await search.add(sessionAt(1, { target: TARGET.name, protocol: TARGET.protocol }), searched(), '');
  const found = async (query: Parameters<typeof allHits>[1]) =>
    (await allHits(search, query)).map(({ step }) => step);
  expect(await found({ relation: { name: 'deployments.apps dev/web' } })).toEqual([2, 3]);
  expect(await found({ relation: { name: 'deployments.apps dev/web', how: 'written' } })).toEqual([3]);
  expect(await found({ relation: { name: 'pods dev/*' } })).toEqual([4]);
  expect(await found({ value: '3' })).toEqual([3]);
  expect(await found({ command: 'delete pods' })).toEqual([5]);
  expect(await found({ code: 'forbidden' })).toEqual([5]);
  await search.close();
});
