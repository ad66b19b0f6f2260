import { setTimeout as sleep } from 'node:timers/promises';
import { durabilityModes } from '#core/recording/format.ts';
import type { CloudTask } from '#test/support/cloud.ts';
import { type AwsFault, awsFaults } from '#test/support/faulty-aws.ts';
import { ChaosClient } from '../clients.ts';
import type { Sent } from '../oracle.ts';
import { Seeded } from '../seed.ts';
import type { CloudStand } from './stand.ts';

/** What happens in a round: to a task, to all of them, or to what AWS answers. */
export type CloudFault =
  /** `vanish`: its machine is gone, and tells nobody. */
  | { readonly kind: 'kill' | 'kill-all' | 'vanish' }
  | { readonly kind: 'pause'; readonly ms: number }
  | { readonly kind: 'aws'; readonly fault: AwsFault; readonly forMs: number };

export interface CloudRound {
  readonly fault: CloudFault;
  readonly sent: readonly Sent[];
  /** When a task was seen dead; undefined when all lived through the round. */
  readonly diedAt: number | undefined;
}

/** Nobody is fenced before. */
const LEASE_AND_SKEW_MS = 9_000;

/** A lease is three seconds: some pauses outlast it. */
export function chooseCloudFault(random: Seeded): CloudFault {
  const kind = random.pick(['kill', 'kill-all', 'vanish', 'pause', 'aws', 'aws', 'aws', 'aws'] as const);
  if (kind === 'kill' || kind === 'kill-all' || kind === 'vanish') return { kind };
  if (kind === 'pause') return { kind, ms: random.between(50, 6_000) };
  const times = random.pick([1, 5, 40, undefined]);
  const fault = { kind: random.pick(awsFaults), ...(times === undefined ? {} : { times }) };
  return { kind, fault, forMs: random.between(100, 4_000) };
}

/** Clients write while it happens; then every task ends, one way or the other, and everything is sealed. */
export async function runCloudRound(
  stand: CloudStand,
  round: number,
  fault: CloudFault,
  random: Seeded,
): Promise<CloudRound> {
  const { tasks, clients } = await startClients(stand, round, random);
  await sleep(random.between(0, 1_200));
  await cause(fault, stand, tasks);
  await sleep(random.between(200, 1_500));
  const diedAt = stand.running() < tasks.length ? Date.now() : undefined;
  const stopping = Promise.all(clients.map((client) => client.stop()));
  if (random.pick([true, false])) await stopping;
  await Promise.all(tasks.map((task) => task.stop(random.pick(['SIGKILL', 'SIGTERM']))));
  await stopping;
  await stand.settle();
  return { fault, sent: clients.flatMap(({ sent }) => sent), diedAt };
}

/**
 * Resolves once each was answered, which on a busy machine may take longer than a round lasts. Where a task has lost its lease by then,
 * there are others in its place.
 */
async function startClients(stand: CloudStand, round: number, random: Seeded) {
  const all: ChaosClient[] = [];
  for (;;) {
    const tasks = await stand.tasks();
    const login = await stand.login();
    const clients = tasks.flatMap((task) =>
      durabilityModes.map((mode) => {
        const name = `${mode}-r${round}-c${all.length}`;
        const client = new ChaosClient(task, mode, name, login, new Seeded(random.between(0, 2 ** 31)));
        all.push(client);
        return client;
      }),
    );
    for (const client of clients) client.start();
    if (await areHeard(clients, tasks)) return { tasks, clients: all };
    await Promise.all(clients.map((client) => client.stop()));
  }
}

function areHeard(clients: readonly ChaosClient[], tasks: readonly CloudTask[]): Promise<boolean> {
  const heard = Promise.all(clients.map((client) => client.heard)).then(() => true);
  return Promise.race([heard, ...tasks.map(({ gone }) => gone.then(() => false))]);
}

async function cause(fault: CloudFault, stand: CloudStand, tasks: readonly CloudTask[]): Promise<void> {
  switch (fault.kind) {
    case 'kill':
    case 'kill-all':
      await Promise.all(
        tasks.slice(0, fault.kind === 'kill' ? 1 : undefined).map((task) => task.stop('SIGKILL')),
      );
      return;
    case 'vanish':
      process.kill(tasks[0]!.pid, 'SIGSTOP');
      // New sessions are elsewhere, at once, and what it held is sealed while it hangs.
      await (await tasks[1]!.connect('developer', 'windowed')).end();
      await sealing(stand, LEASE_AND_SKEW_MS);
      await tasks[0]!.stop('SIGKILL');
      return;
    case 'pause':
      process.kill(tasks[0]!.pid, 'SIGSTOP');
      await sealing(stand, fault.ms);
      process.kill(tasks[0]!.pid, 'SIGCONT');
      return;
    case 'aws':
      stand.aws.fault = fault.fault;
      await sealing(stand, fault.forMs);
      stand.aws.fault = undefined;
  }
}

/** The sealer goes on, and sees the bad day too. */
async function sealing(stand: CloudStand, ms: number): Promise<void> {
  const until = Date.now() + ms;
  while (Date.now() < until) {
    await Promise.race([stand.seal(), sleep(until - Date.now())]);
    await sleep(Math.min(300, Math.max(0, until - Date.now())));
  }
}
