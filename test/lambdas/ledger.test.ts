import type { Context } from 'aws-lambda';
import { describe, expect, it } from 'vitest';
import { ledgerHandler } from '#lambdas/ledger/handler.ts';
import { ledgerOf } from '#test/support/ledger-view.ts';
import { sessionRecord } from '#test/support/session-records.ts';
import { event, NOW, POLICY, verifier } from './support.ts';

async function get(who: string, path: string) {
  const fetched: string[] = [];
  const view = await ledgerOf([sessionRecord(1).id]);
  const ledger = { ...view, fetch: async (name: string) => (fetched.push(name), view.fetch(name)) };
  const handler = ledgerHandler({ policy: () => POLICY, ledger, now: () => NOW, log: () => undefined });
  const principal = JSON.stringify(await verifier.verify(who));
  const asked = event(`/v1/ledger/${path}`);
  const requestContext = { ...asked.requestContext, authorizer: { lambda: { principal } } };
  // As API Gateway routes it: the checkpoint has a route of its own, without the parameter.
  const params = path === 'checkpoint' ? {} : { pathParameters: { proxy: path } };
  const result = await handler({ ...asked, requestContext, ...params }, {} as Context);
  const bytes = Buffer.from(result.body ?? '', result.isBase64Encoded === true ? 'base64' : 'utf8');
  return { status: result.statusCode, bytes, fetched };
}

describe('the ledger over the API', () => {
  it('gives checkpoint and hashes to everybody, for monitors and witnesses', async () => {
    const { status, bytes } = await get('vera', 'checkpoint');
    expect(status).toBe(200);
    expect(bytes.toString()).toMatch(/^custody\.example\/ledger\n1\n/);
    const tile = await get('vera', 'tile/0/000.p/1');
    expect([tile.status, tile.bytes.length]).toEqual([200, 32]);
  });

  it('gives entries, which name people, to who may replay every session (security case 7)', async () => {
    const entries = 'tile/entries/000.p/1';
    const auditor = await get('ada', entries);
    expect([auditor.status, auditor.bytes.includes('session-opened')]).toEqual([200, true]);
    for (const who of ['dana', 'pat', 'rui', 'adm']) {
      const refused = await get(who, entries);
      expect([refused.status, refused.fetched]).toEqual([403, []]);
    }
  });

  it.each([
    '../signer.pem',
    'tile/../../secrets/orders-db',
    'tile/%2e%2e/x',
    '/etc/passwd',
    'tile/0/000\0',
    'tile/64/000',
    'tile/00/000',
    'tile/0/0000',
    'tile/entries/../0/000',
    'sessions/x/open.json',
    '',
  ])('knows nothing of %j, and reads nothing (security case 10)', async (path) => {
    const { status, fetched } = await get('ada', path);
    expect([status, fetched]).toEqual([404, []]);
  });

  it('says of a tile that is not there that it is not', async () => {
    expect((await get('ada', 'tile/3/000')).status).toBe(404);
  });
});
