import { readFileSync } from 'node:fs';
import pg from 'pg';
import { parseDocument } from 'yaml';
import type { SessionRecord } from '#core/recording/session-index.ts';
import { type Cloud, type CloudTask, startCloud } from '#test/support/cloud.ts';
import { type FaultyAws, startFaultyAws } from '#test/support/faulty-aws.ts';
import type { Remains } from '../check.ts';
import type { Login } from '../clients.ts';

const TASKS = 2;
const SEALED_WITHIN_MS = 60_000;
const RUNS_MAX = 10;
const HOUR_MS = 3_600_000;

/** The proxy's tasks and the functions on an emulator of AWS that has bad days. */
export interface CloudStand {
  readonly cloud: Cloud;
  readonly aws: FaultyAws;
  readonly remains: Remains;
  login(): Promise<Login>;
  /** Starts what has ended. */
  tasks(): Promise<readonly CloudTask[]>;
  /** How many tasks are there still. */
  running(): number;
  /** One run of the sealer, as its schedule would; what it cannot do the next one does. */
  seal(): Promise<void>;
  /** Until every session has its outcome, then until the ledger has it. Rejects when that takes minutes. */
  settle(): Promise<void>;
  stop(): Promise<void>;
}

export async function startCloudStand(): Promise<CloudStand> {
  const standing: { aws?: FaultyAws } = {};
  const cloud = await startCloud(undefined, async (endpoint) => {
    standing.aws = await startFaultyAws(endpoint);
    return standing.aws.endpoint;
  });
  await cloud.configure(configOf(await cloud.config()));
  const running = new Set<CloudTask>();
  const remains = remainsOf(cloud);
  const seal = (): Promise<void> => cloud.run('sealer').catch(() => undefined);
  return {
    cloud,
    aws: standing.aws!,
    remains,
    login: async () => ({ token: await cloud.token('developer'), ca: readFileSync(cloud.ca, 'utf8') }),
    tasks: async () => {
      while (running.size < TASKS) {
        const task = await cloud.task();
        running.add(task);
        void task.gone.then(() => running.delete(task));
      }
      return [...running];
    },
    running: () => running.size,
    seal,
    settle: async () => {
      const until = Date.now() + SEALED_WITHIN_MS;
      while ((await remains.sessions()).some(({ state }) => state === 'open')) {
        if (Date.now() > until) throw new Error('sessions are not sealed');
        await seal();
      }
      await sequence(cloud);
      // Nobody needs it any more: what AWS removes in weeks, an emulator keeps in memory.
      await cloud.moto.empty(cloud.environment['CUSTODY_TABLE_JOURNAL']!, 'journal');
    },
    stop: async () => {
      await cloud.stop();
      await standing.aws!.stop();
    },
  };
}

/** What one run cannot do, the next does, as its schedule would have it. */
async function sequence(cloud: Cloud): Promise<void> {
  for (let runs = 1; ; runs += 1) {
    try {
      return await cloud.run('sequencer', {}, HOUR_MS);
    } catch (error) {
      if (runs === RUNS_MAX) throw error;
    }
  }
}

/** Two targets of one database, by how durable their recordings are. */
function configOf(text: string): string {
  const config = parseDocument(text);
  const target = (config.getIn(['targets', 'orders-db']) as { toJSON(): Record<string, unknown> }).toJSON();
  const recording = target['recording'] as object;
  const durable = (durability: string) =>
    structuredClone({ ...target, recording: { ...recording, durability } });
  // Those of the demo are about targets that are not here.
  config.delete('workflows');
  config.setIn(['targets'], { windowed: durable('windowed'), 'write-ahead': durable('write-ahead') });
  config.setIn(
    ['rules'],
    [
      { name: 'chaos', groups: ['developers'], targets: ['*'], allow: ['connect'] },
      { name: 'auditors', groups: ['auditors'], targets: ['*'], allow: ['replay'], sessions: 'any' },
    ],
  );
  return String(config);
}

function remainsOf(cloud: Cloud): Remains {
  return {
    store: cloud.store,
    signerPem: cloud.signer,
    sessions: () => allSessions(cloud),
    database: async () => {
      const { port, password } = cloud.database;
      const client = new pg.Client({ host: '127.0.0.1', port, database: 'postgres', user: 'app', password });
      await client.connect();
      return client;
    },
  };
}

async function allSessions(cloud: Cloud): Promise<readonly SessionRecord[]> {
  const all: SessionRecord[] = [];
  for (let from = ''; ; ) {
    const page = await cloud.call<{ sessions: SessionRecord[]; next?: string }>(
      'auditor',
      'GET',
      `/v1/sessions?limit=200${from}`,
    );
    all.push(...page.sessions);
    if (page.next === undefined) return all;
    from = `&cursor=${page.next}`;
  }
}
