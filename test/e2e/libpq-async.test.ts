import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasClient, libpqEnvironment, startClient } from '#test/support/clients.ts';
import { type LocalGateway, startLocalGateway } from '#test/support/local-gateway.ts';

const SCRIPT = fileURLToPath(new URL('../support/libpq-async.py', import.meta.url));
/** Of 7 KB each: so that libpq's buffer, which grows for one row and not for many, has little room behind half a row. */
const ROWS = Array.from({ length: 100 }, (_, i) => 1 + i);

describe.skipIf(!hasClient('python3'))('a client that waits on the socket itself', () => {
  let gateway: LocalGateway;
  beforeAll(async () => {
    gateway = await startLocalGateway();
  });
  afterAll(() => gateway?.stop());

  it('gets an answer of any size to its end: libpq holds what is left of a large TLS record, and no socket shows it', async () => {
    const env = libpqEnvironment(gateway, await gateway.token('developer'));
    const ran = await startClient('python3', [SCRIPT, ...ROWS.map(String)], env).done;
    expect([ran.code, ran.stderr]).toEqual([0, '']);
    expect(JSON.parse(ran.stdout)).toEqual({ came: ROWS, stalled: null });
  });
});
