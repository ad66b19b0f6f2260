import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { prepareFolder } from '#test/chaos/stand.ts';
import { freePortBase, type LocalGateway, temporaryFolder } from '#test/support/local-gateway.ts';
import { type OwnClient, OwnGateway } from '#test/support/own-gateway.ts';
import type { Attacked, AttackKind } from './attack.ts';

const ATTACK = fileURLToPath(new URL('./attack.ts', import.meta.url));
const LOOK_EVERY_MS = 100;

export interface FloodPlan {
  readonly kind: AttackKind;
  /** Open files that the gateway may have. */
  readonly limit: number;
  readonly ms: number;
  /** Where the bad peers come from. */
  readonly addresses: number;
  /** Sessions that were there before, half of them write-ahead. */
  readonly sessions: number;
}

export interface Flooded extends Attacked {
  /** Logins of others during the flood. */
  readonly logins: number;
  readonly failed: readonly string[];
  /** The slowest and the usual, milliseconds. */
  readonly slowest: number;
  readonly median: number;
  /** Queries of the sessions that were there before. */
  readonly queries: number;
  /** Of those sessions, what went wrong. */
  readonly broken: readonly string[];
  /** The most descriptors that the gateway had open. */
  readonly descriptors: number;
  /** Megabytes. */
  readonly memory: number;
  /** Megabytes that it read, of files and of connections. */
  readonly read: number;
  /** Lines that it logged meanwhile. */
  readonly lines: number;
  /** Sessions that are not whole, sealed and verified afterwards. */
  readonly unsealed: readonly string[];
  /** Events that say that the recorder suffered. */
  readonly faults: readonly string[];
}

/** Floods a gateway of its own, and looks at everybody else meanwhile. */
export async function flood(local: LocalGateway, plan: FloodPlan): Promise<Flooded> {
  const dataDir = join(temporaryFolder(), 'data');
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  prepareFolder(local, dataDir);
  const port = (await freePortBase()) + 1;
  const gateway = new OwnGateway(local, dataDir, port);
  await gateway.start(['prlimit', `--nofile=${plan.limit}:${plan.limit}`]);
  try {
    return await observe(gateway, port, plan);
  } finally {
    await gateway.stop('SIGKILL');
    rmSync(join(dataDir, '..'), { recursive: true, force: true });
  }
}

async function observe(gateway: OwnGateway, port: number, plan: FloodPlan): Promise<Flooded> {
  const before: OwnClient[] = [];
  for (let i = 0; i < plan.sessions; i += 1)
    before.push(await gateway.connect(i % 2 === 0 ? 'windowed' : 'write-ahead'));
  const linesBefore = gateway.said.length;
  const flooding = { over: false };
  const attacked = attack(port, plan).finally(() => (flooding.over = true));
  const [did, logins, queries, watched] = await Promise.all([
    attacked,
    logIn(gateway, flooding),
    keepAsking(before, flooding),
    watch(gateway.pid, flooding),
  ]);
  const lines = gateway.said.length - linesBefore;
  await Promise.all(before.map(({ client }) => client.end().catch(() => undefined)));
  await gateway.stop();
  return { ...did, ...logins, ...queries, ...watched, lines, ...(await evidenceOf(gateway)) };
}

interface Flooding {
  readonly over: boolean;
}

async function attack(port: number, { kind, ms, addresses }: FloodPlan): Promise<Attacked> {
  const child = spawn(process.execPath, [ATTACK, String(port), kind, String(ms), String(addresses)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
  await once(child, 'close');
  return JSON.parse(said) as Attacked;
}

/** One login after the other, each with a query, from the address that some of the bad peers have as well. */
async function logIn(gateway: OwnGateway, flooding: Flooding) {
  const took: number[] = [];
  const failed: string[] = [];
  while (!flooding.over) {
    const start = performance.now();
    try {
      const { client } = await gateway.connect('windowed');
      await client.query('select 1');
      took.push(performance.now() - start);
      await client.end();
    } catch (error) {
      failed.push(String(error));
    }
  }
  took.sort((a, b) => a - b);
  return {
    ...{ logins: took.length, failed },
    ...{ slowest: Math.round(took.at(-1) ?? 0), median: Math.round(took[took.length >> 1] ?? 0) },
  };
}

async function keepAsking(clients: readonly OwnClient[], flooding: Flooding) {
  let queries = 0;
  const broken: string[] = [];
  await Promise.all(
    clients.map(async ({ client, errors }) => {
      while (!flooding.over && errors.length === 0) {
        await client.query("select 'still here'").catch((error: unknown) => broken.push(String(error)));
        queries += 1;
        await new Promise((resume) => setTimeout(resume, LOOK_EVERY_MS));
      }
      broken.push(...errors);
    }),
  );
  return { queries, broken };
}

async function watch(pid: number, flooding: Flooding) {
  let descriptors = 0;
  let memory = 0;
  const readBefore = readBytes(pid);
  let read = 0;
  while (!flooding.over) {
    descriptors = Math.max(descriptors, readdirSync(`/proc/${pid}/fd`).length);
    const [, kilobytes] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    memory = Math.max(memory, Number(kilobytes) >> 10);
    read = (readBytes(pid) - readBefore) >> 20;
    await new Promise((resume) => setTimeout(resume, LOOK_EVERY_MS));
  }
  return { descriptors, memory, read };
}

function readBytes(pid: number): number {
  return Number(/rchar: (\d+)/.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))?.[1]);
}

async function evidenceOf(gateway: OwnGateway) {
  const unsealed: string[] = [];
  for (const { id, outcome } of await gateway.sessions()) {
    const { verdict } = await gateway.verify(id);
    if (outcome?.reason !== 'client-closed' || verdict !== 'verified')
      unsealed.push(`${id}: ${outcome?.reason}, ${verdict}`);
  }
  const bad =
    /seal-failed|session-error|abandoned|accept-failed|ledger-stalled|watch-failed|recording-failed/;
  const faults = gateway.said
    .filter((said) => bad.test(JSON.stringify(said)))
    .map((said) => JSON.stringify(said));
  return { unsealed, faults };
}
