import { describe, expect, it } from 'vitest';
import { parseConfig } from '#core/access/config.ts';
import { fingerprintOf, type OcsfEvent } from '#core/ocsf/event.ts';
import { cstring, message } from '#core/protocols/postgres/wire.ts';
import { Stream } from '#core/recording/format.ts';
import { Recorder } from '#core/recording/recorder.ts';
import type { SessionRecord } from '#core/recording/session-index.ts';
import { Redactions } from '#core/replay/redact/redactions.ts';
import type { Asking } from '#lambdas/asking.ts';
import { sessionsHandler } from '#lambdas/sessions/handler.ts';
import { isRedacted, type LookAction, looked, lookedAtEvidence, mayLook } from '#lambdas/sessions/looked.ts';
import { isKnown, visibleQueries } from '#lambdas/sessions/visible.ts';
import { framesOf, LOGIN, type Said, server } from '#test/core/replay/support.ts';
import { MemoryIndex, MemoryJournal, MemoryLeaves } from '#test/support/memory-ports.ts';
import { opening, slabsOf } from '#test/support/recorder.ts';
import { OUTCOME, sessionRecord } from '#test/support/session-records.ts';
import { answered, call, ISSUER, NOW, verifier, world } from './support.ts';

const target = (name: string, redact: string): string =>
  `  ${name}: { protocol: postgres, address: "db:5432", database: main, credential: { user: app, passwordFile: s }${redact} }`;
const POLICY = parseConfig(
  `version: 1
identity: { issuer: ${ISSUER}, audience: custody }
targets:
${target('orders-db', ", redact: { columns: [email], patterns: ['sk_[0-9a-z]+'] }")}
${target('payroll-db', ', redact: { columns: [salary] }')}
${target('stock-db', '')}
rules:
  - { name: own, groups: [developers, reviewers], targets: ["*"], allow: [replay] }
  - { name: approvers, groups: [reviewers], targets: [orders-db, stock-db], allow: [replay, export, terminate, rerun], sessions: approved }
  - { name: look, groups: [auditors], targets: ["*"], allow: [replay, export], sessions: any }
  - { name: whole, groups: [archive], targets: [payroll-db], allow: [export, rerun], sessions: any, unredacted: true }
  - { name: both, groups: [archive], targets: [payroll-db, orders-db], allow: [replay], sessions: any }
`,
  'custody.yaml',
);

const person = (subject: string) => ({ issuer: ISSUER, subject });
let n = 0;
/** Of dana's, or whoever it is; approved by these. */
function session(target: string, more: { who?: string; by?: readonly string[] } = {}): SessionRecord {
  const { who = 'dana', by = [] } = more;
  const record = sessionRecord((n += 1), { target, subject: who, email: `${who}@example.com` });
  const approved = by.length === 0 ? {} : { grant: record.id, approvedBy: by.map(person) };
  return { ...record, ...approved, state: 'closed', outcome: OUTCOME };
}

const TARGETS = ['orders-db', 'payroll-db', 'stock-db'];
const SESSIONS = TARGETS.flatMap((name) => [
  session(name),
  session(name, { by: ['rui'] }),
  session(name, { by: ['sam', 'devrev'] }),
  session(name, { who: 'rui' }),
  session(name, { who: 'rui', by: ['sam'] }),
]);
const PEOPLE = [
  'dana',
  'eve',
  'rui',
  'sam',
  'devrev',
  'ada',
  'arch',
  'vera',
  'agent-7>rui',
  'rui@https://other',
];
const ACTIONS: readonly LookAction[] = ['replay', 'export', 'rerun'];

type Seen = 'no' | 'redacted' | 'all';

/** What the rules above say, another way. */
function expected(
  who: string,
  action: LookAction,
  { target, principal, approvedBy = [] }: SessionRecord,
): Seen {
  const leavesOut = target !== 'stock-db';
  const seen: Seen = leavesOut ? 'redacted' : 'all';
  const isOwn = principal.subject === who;
  const approved = approvedBy.some(({ subject }) => subject === who);
  const isReviewer = ['rui', 'sam', 'devrev'].includes(who);
  const isDeveloper = ['dana', 'eve', 'devrev'].includes(who);
  if (who === 'arch') {
    if (target === 'payroll-db') return 'all';
    return target === 'orders-db' && action === 'replay' ? 'redacted' : 'no';
  }
  if (who === 'ada') return action === 'rerun' ? 'no' : seen;
  if (isReviewer && target !== 'payroll-db' && (approved || isOwn)) return seen;
  return (isReviewer || isDeveloper) && isOwn && action === 'replay' ? seen : 'no';
}

async function askingOf(token: string): Promise<Asking> {
  return { caller: await verifier.verify(token), policy: POLICY, context: {}, now: NOW };
}

describe('who may look at what', () => {
  it('is as a model says, for everybody, every action and every session (security cases 7, 11, 14)', async () => {
    for (const who of PEOPLE)
      for (const one of SESSIONS)
        for (const action of ACTIONS) {
          const asking = await askingOf(who);
          const decision = mayLook(one, asking, action);
          const seen = 'code' in decision ? 'no' : isRedacted(one, asking, decision) ? 'redacted' : 'all';
          const what = `${who} ${action} ${one.principal.subject} at ${one.target}`;
          expect(`${what}: ${seen}`).toBe(`${what}: ${expected(who, action, one)}`);
        }
  });

  it('lists what an approver may see without reading the rest, and no more (security case 7)', async () => {
    const { catalog } = world(POLICY);
    for (const { state: _state, outcome: _outcome, ...record } of SESSIONS) await catalog.opened(record);
    const asking = await askingOf('rui');
    const queries = visibleQueries(asking, undefined);
    expect(queries).toEqual([{ subject: person('rui') }, { approver: person('rui') }]);
    const pages = await Promise.all(queries.map((query) => catalog.list({ ...query, limit: 100 })));
    const found = new Set(pages.flatMap(({ sessions }) => sessions.map(({ id }) => id)));
    expect(SESSIONS.filter((one) => isKnown(one, asking)).every(({ id }) => found.has(id))).toBe(true);
    expect(visibleQueries(await askingOf('agent-7>rui'), undefined)).toEqual([{ subject: person('rui') }]);
  });

  it('enters a leaf that says who, what part and when, before anything is shown (security case 7)', async () => {
    const leaves = new MemoryLeaves();
    const [one] = SESSIONS as [SessionRecord];
    const ports = { leaves, redactions: new Redactions() };
    const asking = await askingOf('ada');
    const look = await looked(asking, one, 'export', 'csv of step 7', ports);
    expect(look.redaction?.text('sk_abc')).toBe('[redacted: pattern 1]');
    expect([...leaves.added].map((leaf) => JSON.parse(leaf) as unknown)).toEqual([
      {
        type: 'custody/leaf/1',
        kind: 'recording-exported',
        at: NOW.toISOString(),
        session: one.id,
        by: person('ada'),
        part: 'csv of step 7',
      },
    ]);
    const refused = lookedAtEvidence(asking, one, 'export', 'evidence', ports);
    await expect(refused).rejects.toMatchObject({ code: 'evidence-redacted' });
    await expect(looked(await askingOf('vera'), one, 'replay', '', ports)).rejects.toMatchObject({
      code: 'access-denied',
    });
    expect(leaves.added.size).toBe(1);
  });
});

const SECRET = 'ada@example.com';
const SAID: readonly Said[] = [
  ...LOGIN,
  [
    'client',
    message(0x51, cstring(`select id, email as e, 'sk_live42' as k from people where email = '${SECRET}'`)),
  ],
  [
    'target',
    server.columns(['id', 23], ['e', 25], ['k', 25]),
    server.row('7', SECRET, 'sk_live42'),
    server.tag('SELECT 1'),
    server.ready,
  ],
];

describe('the API of a target that leaves something out', () => {
  async function recorded(target = 'orders-db') {
    const ports = world(POLICY);
    const record = sessionRecord(3, { subject: 'dana', target });
    await ports.catalog.opened(record);
    const recorder = new Recorder({
      sink: ports.source,
      signer: ports.keys,
      journal: new MemoryJournal(),
      index: new MemoryIndex(),
      leaves: new MemoryLeaves(),
      lease: { isHeld: true, task: 'task-1' },
    });
    const frames = framesOf(SAID).map(({ stream, ...frame }) => ({
      ...frame,
      tape: 1,
      stream: Stream[stream],
    }));
    await recorder.open(1, { ...opening(3), session: record.id }, 0);
    await recorder.commit(slabsOf(frames, 1));
    await recorder.close(1, { reason: 'client-closed', endedAt: '2026-11-23T09:01:00.000Z', at: 60_000 });
    await ports.catalog.closed(record.id, OUTCOME);
    return { handler: sessionsHandler(ports), path: `/v1/sessions/${record.id}`, ports };
  }

  it('shows pages of a result with the same marks, the same again from what was read before (security cases 7, 15)', async () => {
    const { handler, path, ports } = await recorded();
    for (const limit of ['1', '9']) {
      const { status, body } = await call(handler, `${path}/steps/2/rows`, {
        token: 'ada',
        query: { limit },
      });
      expect(status).toBe(200);
      expect(body).toMatchObject({
        redacted: true,
        total: 1,
        rows: [[{ text: '7' }, { text: '[redacted: column email]' }, { text: '[redacted: pattern 1]' }]],
      });
      expect(JSON.stringify(body)).not.toMatch(/ada@example|sk_live/);
    }
    expect(ports.leaves.added.size).toBe(2);
    const { body } = await call(handler, `${path}/outline`, { token: 'ada' });
    expect(JSON.stringify(body)).not.toMatch(/ada@example|sk_live|people/);
  });

  it('shows steps with marks in place of it, and says so', async () => {
    const { handler, path, ports } = await recorded();
    const { status, body } = await call(handler, `${path}/steps`, { token: 'ada' });
    expect(status).toBe(200);
    expect(JSON.stringify(body)).not.toMatch(/ada@example|sk_live/);
    const [login, query] = body['steps'] as Record<string, unknown>[];
    expect(login).not.toHaveProperty('redacted');
    expect(query).toMatchObject({
      redacted: true,
      statement: {
        text: "select id, email as e, '[redacted: pattern 1]' as k from people where email = '[redacted: column email]'",
      },
      rows: [[{ text: '7' }, { text: '[redacted: column email]' }, { text: '[redacted: pattern 1]' }]],
    });
    expect([...ports.source.objects.values()].length).toBeGreaterThan(3);
  });

  it('gives steps and a result to take away, without it, and enters what part (security case 7)', async () => {
    const { handler, path, ports } = await recorded();
    const given = async (query: Record<string, string>, token = 'ada') =>
      answered(handler, `${path}/export`, { token, query });
    const lines = await given({});
    expect(lines.headers?.['content-type']).toBe('application/x-ndjson');
    const steps = (lines.body as string)
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { number: number });
    expect(steps.map(({ number }) => number)).toEqual([1, 2, 3]);
    const csv = await given({ form: 'csv', step: '2' });
    expect(csv.body).toBe('id,e,k\n7,[redacted: column email],[redacted: pattern 1]\n');
    expect(`${lines.body}${csv.body}`).not.toMatch(/ada@example|sk_live/);
    expect((await given({ form: 'csv', step: '1' })).statusCode).toBe(404);
    expect((await given({ form: 'csv' })).statusCode).toBe(400);
    expect((await given({}, 'dana')).statusCode).toBe(403);
    const parts = [...ports.leaves.added].map((leaf) => JSON.parse(leaf) as { kind: string; part: string });
    expect(parts.map(({ kind, part }) => `${kind}: ${part}`)).toEqual([
      'recording-exported: ndjson of steps 1-1000',
      'recording-exported: csv of step 2',
      'recording-exported: csv of step 1',
    ]);
  });

  it('gives its events without it, and their chain goes on from page to page (security case 7)', async () => {
    const { handler, path } = await recorded();
    const given = async (query: Record<string, string>) =>
      answered(handler, `${path}/export`, { token: 'ada', query: { form: 'ocsf', ...query } });
    const whole = await given({});
    expect(whole).toMatchObject({ statusCode: 200, headers: { 'content-type': 'application/x-ndjson' } });
    const events = (whole.body as string)
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as OcsfEvent);
    expect(events.map(({ metadata }) => metadata['event_code'])).toEqual([
      ...['session-opened', 'session-authorized', 'login', 'query', 'end', 'session-closed'],
    ]);
    for (const [at, event] of events.entries()) {
      expect(fingerprintOf(event)).toBe(event.attestation.fingerprint.value);
      expect(event.attestation.prev_event?.fingerprint).toEqual(events[at - 1]?.attestation.fingerprint);
    }
    expect(whole.body).toContain('[redacted: column email]');
    expect(whole.body).not.toMatch(/ada@example|sk_live/);
    let pages = '';
    for (let [cursor, after] = ['0', {}]; ; ) {
      const page = await given({ limit: '1', cursor, ...after });
      pages += page.body;
      const { 'custody-next': next, 'custody-after': hash } = page.headers as Record<string, string>;
      if (next === undefined) break;
      [cursor, after] = [next, { after: hash }];
    }
    expect(pages).toBe(whole.body);
    expect((await given({ cursor: '1' })).statusCode).toBe(400);
  });

  it('gives no script and no bytes of it: both are of the evidence (security case 7)', async () => {
    const { handler, path, ports } = await recorded();
    for (const query of [{ form: 'sql' }, { form: 'raw', stream: 'client' }]) {
      const { status, body } = await call(handler, `${path}/export`, { token: 'ada', query });
      expect([status, body['code']]).toEqual([403, 'evidence-redacted']);
    }
    expect(ports.leaves.added.size).toBe(0);
    const open = await recorded('stock-db');
    const script = await answered(open.handler, `${open.path}/export`, {
      token: 'ada',
      query: { form: 'sql' },
    });
    expect(script).toMatchObject({ statusCode: 200, headers: { 'custody-verdict': 'verified' } });
    expect(Buffer.from(script.body!, 'base64').toString()).toContain("where email = 'ada@example.com'");
    const query = { form: 'raw', stream: 'client' };
    const raw = await answered(open.handler, `${open.path}/export`, { token: 'ada', query });
    expect(Buffer.from(raw.body!, 'base64').includes('ada@example.com')).toBe(true);
    expect([...open.ports.leaves.added].map((leaf) => (JSON.parse(leaf) as { part: string }).part)).toEqual([
      'sql',
      'bytes of client',
    ]);
  });

  it('refuses its evidence with words, and enters no leaf (security case 7)', async () => {
    const { handler, path, ports } = await recorded();
    for (const purpose of ['replay', 'export']) {
      const { status, body } = await call(handler, `${path}/evidence`, { token: 'ada', query: { purpose } });
      expect(status).toBe(403);
      expect(body).toMatchObject({ code: 'evidence-redacted' });
      expect(body['hint']).toContain('custody steps');
    }
    expect(ports.leaves.added.size).toBe(0);
  });
});
