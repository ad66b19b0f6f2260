import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SessionRecord } from '#core/recording/session-index.ts';
import { eventually, hasClient, startClient } from '#test/support/clients.ts';
import { type Cloud, type CloudTask, startCloud } from '#test/support/cloud.ts';
import { hasDebianPostgres } from '#test/support/debian-postgres.ts';
import { hasMoto } from '#test/support/moto.ts';
import { bytesOf } from '#test/support/recorded.ts';

const isHere = hasMoto() && hasDebianPostgres() && hasClient('psql');

describe.runIf(isHere)('the proxy and the functions on AWS adapters', () => {
  let cloud: Cloud;
  let task: CloudTask;
  beforeAll(async () => {
    cloud = await startCloud();
    task = await cloud.task();
  });
  afterAll(() => cloud?.stop());

  const newest = async (): Promise<SessionRecord> =>
    (await cloud.call<{ sessions: SessionRecord[] }>('auditor', 'GET', '/v1/sessions?limit=1')).sessions[0]!;

  it('psql works, and what it did is recorded, listed, and verifies', async () => {
    const client = await task.connect('developer', 'orders-db');
    expect((await client.query('select 6 * 7 as answer')).rows).toEqual([{ answer: 42 }]);
    await client.end();
    const session = await eventually('the session to be listed as closed', async () => {
      const found = await newest();
      return found.state === 'closed' ? found : undefined;
    });
    expect(session).toMatchObject({ target: 'orders-db', outcome: { reason: 'client-closed' } });
    expect(await cloud.verify(session.id)).toMatchObject({ verdict: 'verified', findings: [] });
    expect(String(bytesOf(await cloud.frames(session.id), 'client'))).toContain('select 6 * 7');
  });
});
void startClient;
