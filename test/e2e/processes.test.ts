import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { prepareFolder } from '#test/chaos/stand.ts';
import { eventually } from '#test/support/clients.ts';
import {
  freePortBase,
  type LocalGateway,
  startLocalGateway,
  temporaryFolder,
} from '#test/support/local-gateway.ts';
import { OwnGateway } from '#test/support/own-gateway.ts';
import { join } from 'node:path';

let local: LocalGateway;
let gateway: OwnGateway;
const folder = temporaryFolder();

beforeAll(async () => {
  local = await startLocalGateway();
  const dataDir = join(folder, 'data');
  prepareFolder(local, dataDir);
  gateway = new OwnGateway(local, dataDir, (await freePortBase()) + 1, ['--processes', '2']);
  await gateway.start();
});
afterAll(async () => {
  await gateway?.stop();
  await local?.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe('a gateway of two processes', () => {
  it('gives each a session', async () => {
    const one = await gateway.connect('windowed');
    const two = await gateway.connect('windowed');
    await one.client.query('select 1');
    await two.client.query('select 1');
    const tasks = (await gateway.sessions()).map(({ task }) => task);
    console.log(tasks, gateway.said);
    expect(new Set(tasks).size).toBe(2);
    await one.client.end();
    await two.client.end();
    await eventually('x', async () =>
      (await gateway.sessions()).every(({ outcome }) => outcome) ? true : undefined,
    );
    await gateway.stop();
    console.log(gateway.said);
  });
});
