import { once } from 'node:events';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import { expect, onTestFinished, test, vi } from 'vitest';
import { demoToken } from '#adapters/local/demo-issuer.ts';
import type { LocalAddresses } from '#local/setup/addresses.ts';
import {
  freePortBase,
  killLeftover,
  type LocalRun,
  startLocalMain,
  temporaryFolder,
} from '#test/support/local-gateway.ts';

const TERMINATE = Buffer.from([0x58, 0, 0, 0, 4]);

async function start(): Promise<{ run: LocalRun; again: () => Promise<LocalRun> }> {
  const parent = temporaryFolder();
  const args = ['--data-dir', join(parent, 'data'), '--port-base', String(await freePortBase())];
  const runs: LocalRun[] = [];
  onTestFinished(async () => {
    for (const run of runs) {
      await run.terminate();
      killLeftover(run.addresses.pids.database, run.addresses.dataDir);
    }
    rmSync(parent, { recursive: true, force: true });
  });
  const again = async (): Promise<LocalRun> => {
    const run = await startLocalMain(args);
    runs.push(run);
    return run;
  };
  return { run: await again(), again };
}

async function connected({ postgres, ca, dataDir }: LocalAddresses): Promise<Client> {
  const password = await demoToken(dataDir, 'developer', Date.now());
  const ssl = { ca: readFileSync(ca, 'utf8') };
  const client = new Client({ ...postgres, database: 'orders-db', user: 'dana', password, ssl });
  await client.connect();
  return client;
}

async function endings({ api, dataDir }: LocalAddresses): Promise<unknown[]> {
  const headers = {
    authorization: `Bearer ${await demoToken(dataDir, 'developer', Date.now())}`,
    connection: 'close',
  };
  const { sessions } = (await (await fetch(`${api}/v1/sessions`, { headers })).json()) as {
    sessions: { outcome?: { reason: string; recovered: boolean } }[];
  };
  return sessions.map(({ outcome }) => outcome && [outcome.reason, outcome.recovered]);
}

test('a client that says goodbye and leaves closing to the server has closed the session', async () => {
  const { run } = await start();
  const client = await connected(run.addresses);
  const errors: string[] = [];
  client.on('error', ({ message }) => errors.push(message));
  const { stream } = (client as unknown as { connection: { stream: NodeJS.WritableStream } }).connection;
  const closed = once(stream, 'close');
  stream.write(TERMINATE);
  await closed;
  await vi.waitFor(
    async () => expect(await endings(run.addresses)).toEqual([['client-closed', false]]),
    20_000,
  );
  expect(errors.filter((message) => message.includes('target'))).toEqual([]);
});

test('a session outlives a supervisor that was killed, and is sealed: nobody has to read the log', async () => {
  const { run, again } = await start();
  const client = await connected(run.addresses);
  client.on('error', () => undefined);
  const slow = client.query<{ n: number }>('SELECT 42 AS n FROM pg_sleep(2)');
  await run.kill();
  expect((await slow).rows).toEqual([{ n: 42 }]);
  await client.end();
  const { addresses } = await again();
  expect(await endings(addresses)).toEqual([['client-closed', false]]);
});
