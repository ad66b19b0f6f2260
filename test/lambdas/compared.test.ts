import { expect, it } from 'vitest';
import { parseConfig } from '#core/access/config.ts';
import { cstring, message } from '#core/protocols/postgres/wire.ts';
import { Stream } from '#core/recording/format.ts';
import { Recorder } from '#core/recording/recorder.ts';
import { indexSession } from '#core/replay/index/index-session.ts';
import { sessionsHandler } from '#lambdas/sessions/handler.ts';
import { framesOf, LOGIN, server } from '#test/core/replay/support.ts';
import { MemoryIndex, MemoryJournal, MemoryLeaves } from '#test/support/memory-ports.ts';
import { opening, slabsOf } from '#test/support/recorder.ts';
import { OUTCOME, sessionRecord } from '#test/support/session-records.ts';
import { call, ISSUER, world } from './support.ts';

const target = (name: string, more: string): string =>
  `  ${name}: { protocol: postgres, ${more}, database: main, credential: { user: app, passwordFile: s } }\n`;
const POLICY = parseConfig(
  `version: 1
identity: { issuer: ${ISSUER}, audience: custody }
targets:
${target('orders-db', 'address: "db:5432"')}${target('copy-db', 'address: "db:5432", sandbox: true')}rules:
  - { name: approvers, groups: [reviewers], targets: [orders-db], allow: [replay], sessions: approved }
  - { name: look, groups: [auditors], targets: ["*"], allow: [replay, rerun], sessions: any }
  - { name: again, groups: [developers], targets: ["*"], allow: [connect, rerun] }
`,
  'custody.yaml',
);

async function recorded(ports: ReturnType<typeof world>, n: number, by: readonly string[] = []) {
  const approvedBy = by.map((subject) => ({ issuer: ISSUER, subject }));
  const record = {
    ...sessionRecord(n, { subject: 'dana' }),
    startedAt: `2026-11-23T1${n}:00:00.000Z`,
    ...(by.length === 0 ? {} : { approvedBy }),
  };
  await ports.catalog.opened(record);
  const recorder = new Recorder({
    sink: ports.source,
    signer: ports.keys,
    journal: new MemoryJournal(),
    index: new MemoryIndex(),
    leaves: new MemoryLeaves(),
    lease: { isHeld: true, task: 'task-1' },
  });
  const said = [
    ...LOGIN,
    ['client', message(0x51, cstring('select 1 from orders'))] as const,
    ['target', server.columns(['n', 23]), server.row('7'), server.tag('SELECT 1'), server.ready] as const,
  ];
  const frames = framesOf(said as Parameters<typeof framesOf>[0]).map(({ stream, ...frame }) => ({
    ...frame,
    tape: 1,
    stream: Stream[stream],
  }));
  await recorder.open(1, { ...opening(n), session: record.id }, 0);
  await recorder.commit(slabsOf(frames, 1));
  await recorder.close(1, { reason: 'client-closed', endedAt: '2026-11-23T09:01:00.000Z', at: 60_000 });
  await ports.catalog.closed(record.id, OUTCOME);
  const made = await indexSession(record.id, { store: ports.source, signer: ports.keys });
  expect(made.state).toBe('made');
  return record.id;
}

it('security case 7: a summary compares with sessions alone that the caller may read, and counts no others', async () => {
  const ports = world(POLICY);
  await recorded(ports, 1);
  const id = await recorded(ports, 2, ['rui']);
  const compared = async (token: string) => {
    const { body } = await call(sessionsHandler(ports), `/v1/sessions/${id}/summary`, { token });
    return { compared: body['compared'], unusual: JSON.stringify(body['unusual']) };
  };
  const auditor = await compared('ada');
  expect(auditor.compared).toEqual({ sessions: 1, without: 0 });
  expect(auditor.unusual).not.toContain('the first session');
  const approver = await compared('rui');
  expect(approver.compared).toEqual({ sessions: 0, without: 0 });
  expect(approver.unusual).toContain('that is known');
});

it('security case 14: a sandbox that the caller may not use reads as none, and no leaf says otherwise', async () => {
  const ports = world(POLICY);
  const record = sessionRecord(3, { subject: 'dana' });
  await ports.catalog.opened(record);
  const again = (token: string, against: string) =>
    call(sessionsHandler(ports), `/v1/sessions/${record.id}/reruns`, {
      ...{ token, method: 'POST', body: { against } },
    });
  expect((await again('dana', 'copy-db')).status).toBe(200);
  const leaves = ports.leaves.added.size;
  const [refused, missing] = [await again('ada', 'copy-db'), await again('ada', 'none-db')];
  expect(refused.status).toBe(403);
  expect(JSON.stringify(refused.body).replaceAll('copy-db', 'none-db')).toBe(JSON.stringify(missing.body));
  expect(ports.leaves.added.size).toBe(leaves);
});
