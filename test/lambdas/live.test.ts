import type { Context } from 'aws-lambda';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseConfig } from '#core/access/config.ts';
import { CustodyError } from '#core/errors.ts';
import type { Ending } from '#core/identity/standing.ts';
import { cstring, message } from '#core/protocols/postgres/wire.ts';
import { Stream } from '#core/recording/format.ts';
import { Recorder } from '#core/recording/recorder.ts';
import { sessionsHandler } from '#lambdas/sessions/handler.ts';
import type { LivePorts, StreamedResult } from '#lambdas/sessions/live/answer.ts';
import { framesOf, LOGIN, type Said, server } from '#test/core/replay/support.ts';
import { MemoryIndex, MemoryJournal, MemoryLeaves } from '#test/support/memory-ports.ts';
import { memoryTails } from '#test/support/memory-tails.ts';
import { opening, slabsOf } from '#test/support/recorder.ts';
import { OUTCOME, sessionRecord } from '#test/support/session-records.ts';
import { call, event, MISSING, POLICY, verifier, world } from './support.ts';

const one = (text: string): Said[] => [
  ['client', message(0x51, cstring(text))],
  ['target', server.columns(['n', 23]), server.row('7'), server.tag('SELECT 1'), server.ready],
];

interface Told {
  readonly id: string | undefined;
  readonly event: string;
  readonly data: {
    readonly n?: number;
    readonly step?: { readonly kind: string };
    readonly [more: string]: unknown;
  };
}

/** A session of dana's on orders-db that is running, and an API before it whose clock goes on where it waits. */
async function running(more: Partial<LivePorts> = {}, policy = POLICY) {
  const ports = world(policy);
  const record = sessionRecord(3, { subject: 'dana', target: 'orders-db' });
  await ports.catalog.opened(record);
  const journal = new MemoryJournal();
  const recorder = new Recorder({
    sink: ports.source,
    signer: ports.keys,
    journal,
    index: new MemoryIndex(),
    leaves: new MemoryLeaves(),
    lease: { isHeld: true, task: 'task-1' },
  });
  await recorder.open(1, { ...opening(3), session: record.id }, 0);
  const gone: { ending: Ending | undefined } = { ending: undefined };
  const live: LivePorts = {
    tails: memoryTails(journal),
    standing: { over: async (people) => people.map(() => gone.ending) },
    presence: ports.access,
    unsealed: async () => [],
    pollMs: 100,
    answerMs: 3_000,
    pause: async (ms) => {
      await new Promise((resume) => setImmediate(resume));
      ports.clock.now = new Date(ports.clock.now.getTime() + ms);
    },
    ...more,
  };
  let at = 0;
  const say = async (said: readonly Said[]): Promise<void> => {
    const frames = framesOf(said).map(({ stream, payload }) => ({
      ...{ tape: 1, payload, stream: Stream[stream] },
      timeUs: (at += 1) * 1000,
    }));
    await recorder.commit(slabsOf(frames, at));
  };
  const close = async (): Promise<void> => {
    await recorder.close(1, { reason: 'client-closed', endedAt: '2026-11-23T09:01:00.000Z', at: at + 1 });
    await ports.catalog.closed(record.id, OUTCOME);
  };
  const handler = () => sessionsHandler({ ...ports, live });
  return { ports, id: record.id, live, say, close, gone, handler };
}

type Running = Awaited<ReturnType<typeof running>>;

async function asked(
  { id, handler }: Pick<Running, 'id' | 'handler'>,
  how: { token?: string; after?: string; query?: Record<string, string>; groups?: readonly string[] } = {},
  use = handler(),
): Promise<StreamedResult> {
  const { token = 'dana', after, query = {}, ...more } = how;
  const headers = after === undefined ? {} : { 'last-event-id': after };
  const what = event(`/v1/sessions/${id}/live`, { token, query, headers });
  const lambda = { principal: JSON.stringify({ ...(await verifier.verify(token)), ...more }) };
  return use({ ...what, requestContext: { ...what.requestContext, authorizer: { lambda } } }, {} as Context);
}

function toldIn(body = ''): Told[] {
  return body
    .split('\n\n')
    .filter((text) => text.includes('data:'))
    .map((text) => ({
      id: /^id: (.*)$/m.exec(text)?.[1],
      event: /^event: (.*)$/m.exec(text)![1]!,
      data: JSON.parse(/^data: (.*)$/m.exec(text)![1]!) as Told['data'],
    }));
}

const told = async (there: Running, how = {}, use = there.handler()) =>
  toldIn((await asked(there, how, use)).body);
const numbers = (all: readonly Told[]): number[] =>
  all.filter((one) => one.event === 'step').map(({ data }) => data.n!);
const partsOf = ({ ports }: Running): unknown[] =>
  [...ports.leaves.added].map((leaf) => (JSON.parse(leaf) as { part?: string }).part);

describe('GET /v1/sessions/{id}/live', () => {
  it('tells steps as they become durable, how far behind that is, and the end with its verdict', async () => {
    const there = await running();
    const use = there.handler();
    await there.say([...LOGIN, ...one('select 1')]);
    const first = await told(there, {}, use);
    expect(numbers(first)).toEqual([1, 2]);
    expect(first.at(-1)).toMatchObject({ event: 'lag', id: '2', data: { state: 'open', n: 2 } });
    await there.say(one('select 2'));
    expect(numbers(await told(there, { after: '2' }, use))).toEqual([3]);
    await there.close();
    const last = await told(there, { after: '3' }, use);
    expect(last.filter((one) => one.event === 'step').map(({ data }) => data.step!.kind)).toEqual(['end']);
    expect(last.at(-1)).toMatchObject({
      event: 'end',
      data: { of: 'session', reason: 'client-closed', verdict: 'verified' },
    });
  });

  it('goes on behind every id without loss or doubling, whatever instance is asked, at whatever time', async () => {
    const texts = Array.from({ length: 6 }, (_, n) => `select ${n}`);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom('say', 'ask', 'ask another'), { maxLength: 14 }),
        async (deeds) => {
          const there = await running();
          const use = there.handler();
          await there.say(LOGIN);
          const left = [...texts];
          const seen: number[] = [];
          let after: string | undefined;
          const ask = async (of: Running['handler']): Promise<boolean> => {
            const all = await told(there, after === undefined ? {} : { after }, of());
            seen.push(...numbers(all));
            after = all.findLast(({ id }) => id !== undefined)?.id ?? after;
            return all.at(-1)?.event === 'end';
          };
          for (const deed of deeds) {
            const text = deed === 'say' ? left.shift() : undefined;
            if (text !== undefined) await there.say(one(text));
            else if (deed !== 'say') await ask(deed === 'ask' ? () => use : there.handler);
          }
          for (const text of left) await there.say(one(text));
          await there.close();
          while (!(await ask(() => use)));
          expect(seen).toEqual(Array.from({ length: texts.length + 2 }, (_, n) => n + 1));
        },
      ),
      { numRuns: 15 },
    );
  });

  it('each watch that is begun is a leaf, before anything is told; one that goes on is none', async () => {
    const there = await running();
    const use = there.handler();
    await there.say([...LOGIN, ...one('select 1')]);
    await told(there, {}, use);
    await told(there, { after: '2' }, use);
    expect(partsOf(there)).toEqual(['live from step 1']);
    await told(there, { after: '1' }, use);
    await told(there, { query: { from: 'now' } }, use);
    expect(partsOf(there)).toEqual(['live from step 1', 'live from step 2', 'live from now']);
    there.ports.leaves.add = () => Promise.reject(new CustodyError('store-unavailable', 'no ledger'));
    expect((await asked(there)).statusCode).toBe(503);
  });

  it('from now on: nothing of what was there', async () => {
    const there = await running();
    const use = there.handler();
    await there.say([...LOGIN, ...one('select 1')]);
    const first = await told(there, { query: { from: 'now' } }, use);
    expect(numbers(first)).toEqual([]);
    await there.say(one('select 2'));
    const after = first.findLast(({ id }) => id !== undefined)!.id!;
    expect(numbers(await told(there, { query: { from: 'now' }, after }, use))).toEqual([3]);
  });

  it('who may not know of it is told that there is none; who may not look is refused; nonsense is', async () => {
    const there = await running();
    expect(await call(there.handler(), `/v1/sessions/${there.id}/live`, { token: 'eve' })).toMatchObject({
      status: 404,
    });
    expect(await call(there.handler(), `/v1/sessions/${MISSING}/live`, { token: 'ada' })).toMatchObject({
      status: 404,
    });
    expect(await call(there.handler(), `/v1/sessions/${there.id}/live`, { token: 'olga' })).toMatchObject({
      status: 403,
    });
    expect((await asked(there, { after: 'x' })).statusCode).toBe(400);
    expect((await asked(there, { query: { view: 'terminal' } })).body).toContain('"reason":"unsupported"');
    expect(partsOf(there)).toHaveLength(1);
  });

  it('ends where the caller may look no longer: logged out, or their token over', async () => {
    const there = await running();
    const use = there.handler();
    await there.say(LOGIN);
    await told(there, {}, use);
    there.gone.ending = {
      reason: 'revoked',
      error: new CustodyError('access-revoked', 'you were logged out'),
    };
    await there.say(one('select secret'));
    const all = await told(there, { after: '1' }, use);
    expect(all).toMatchObject([{ event: 'end', data: { of: 'watch', message: 'you were logged out' } }]);
    there.gone.ending = undefined;
    there.ports.clock.now = new Date(there.ports.clock.now.getTime() + 3_600_000);
    expect((await asked(there)).statusCode).toBe(401);
  });

  it('security case 12: a token that shows less goes on with no watch of one that showed more', async () => {
    const there = await running();
    await there.say([...LOGIN, ...one('select 1')]);
    const use = there.handler();
    const first = await told(there, { groups: ['developers', 'archive'] }, use);
    const after = first.findLast(({ id }) => id !== undefined)!.id!;
    await told(there, { groups: ['developers', 'archive'], after }, use);
    expect(partsOf(there)).toHaveLength(1);
    await told(there, { groups: ['developers'], after }, use);
    expect(partsOf(there)).toHaveLength(2);
  });

  it('security case 16: nobody has more than 32 watches streamed to them at once', async () => {
    const there = await running({ answerMs: undefined as never });
    const use = there.handler();
    const begun: AsyncIterator<string>[] = [];
    for (let n = 0; n < 32; n += 1) {
      const stream = (await asked(there, {}, use)).stream![Symbol.asyncIterator]();
      await stream.next();
      begun.push(stream);
    }
    expect((await asked(there, {}, use)).statusCode).toBe(412);
    expect((await asked(there, { token: 'ada' }, use)).statusCode).toBe(200);
    await begun[0]!.return!();
    expect((await asked(there, {}, use)).statusCode).toBe(200);
  });

  it('streams no faster than it is read: who stops reading makes nobody read on', async () => {
    const there = await running();
    const { answerMs: _none, tails, ...live } = there.live;
    let reads = 0;
    const counted: LivePorts['tails'] = {
      follow: (task, session) => {
        const tail = tails.follow(task, session);
        return { ...tail, read: () => ((reads += 1), tail.read()) };
      },
    };
    await there.say(LOGIN);
    for (let n = 0; n < 30; n += 1) await there.say(one(`select ${n}`));
    const use = sessionsHandler({ ...there.ports, live: { ...live, tails: counted } });
    const texts = (await asked(there, {}, use)).stream![Symbol.asyncIterator]();
    const taken: string[] = [];
    while (taken.length < 5) taken.push((await texts.next()).value as string);
    const before = reads;
    await new Promise((resume) => setTimeout(resume, 20));
    expect(reads).toBe(before);
    expect(before).toBeLessThan(10);
    expect(numbers(toldIn(taken.join('')))).toEqual([1, 2, 3]);
    await texts.return!();
  });

  it('says who watches a session that runs only while somebody does, and nobody who may not', async () => {
    const policy = parseConfig(
      `version: 1
identity: { issuer: https://id.example, audience: custody }
targets:
  orders-db: { protocol: postgres, address: db:5432, database: main, credential: { user: a, passwordFile: s } }
rules:
  - { name: developers-work, groups: [developers], targets: [orders-db], allow: [connect, replay], moderated: { by: { any: [auditors] } } }
  - { name: auditors-look, groups: [auditors], targets: ["*"], allow: [replay], sessions: any }
`,
      'custody.yaml',
    );
    const there = await running({}, policy);
    await there.say(LOGIN);
    await told(there, { token: 'ada' });
    await asked(there, { token: 'olga' });
    const watchers = await there.ports.access.watching([there.id]);
    expect(watchers.map(({ by, groups }) => [by.subject, groups])).toEqual([['ada', ['auditors']]]);
    const unlike = await running();
    await told(unlike);
    expect(await unlike.ports.access.watching([unlike.id])).toEqual([]);
  });
});
