import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DurabilityMode } from '#core/recording/format.ts';
import { ChaosClient } from './clients.ts';
import type { Sent } from './oracle.ts';
import { injectedFaults, type Plan, writePoints } from './plan.ts';
import { Seeded } from './seed.ts';
import { SshChaosClient } from './ssh/clients.ts';
import type { Stand } from './stand.ts';

const CLIENTS_OF_EACH_MODE = 2;

/** What is done to the gateway in a round; `injected` faults are done inside it, at a write. */
export type Fault =
  | { readonly kind: 'kill' }
  | { readonly kind: 'pause'; readonly ms: number }
  | { readonly kind: 'injected'; readonly plan: Plan };

export interface Round {
  readonly fault: Fault;
  readonly sent: readonly Sent[];
  /** By SSH clients. */
  readonly lines: readonly Sent[];
  /** When the gateway was seen dead; undefined when it lived through the round. */
  readonly diedAt: number | undefined;
}

export function chooseFault(random: Seeded): Fault {
  const kind = random.pick([
    'kill',
    'kill',
    'pause',
    'injected',
    'injected',
    'injected',
    'injected',
    'injected',
  ] as const);
  if (kind === 'kill') return { kind };
  if (kind === 'pause') return { kind, ms: random.between(20, 1_500) };
  const point = random.pick([...writePoints, undefined]);
  const plan: Plan = {
    fault: random.pick(injectedFaults),
    point,
    nth: random.between(1, point === 'write' || point === 'sync' || point === undefined ? 60 : 4),
    forMs: random.between(50, 1_500),
  };
  return { kind, plan };
}

/** Clients write while the fault happens; then the gateway is (again) up, and everything that died is sealed. */
export async function runRound(
  stand: Stand,
  round: number,
  fault: Fault,
  random: Seeded,
  modes: readonly DurabilityMode[],
): Promise<Round> {
  const sql = await startClients(stand, round, modes, random);
  const ssh = await startSshClients(stand, round, modes, random);
  const clients = [...sql, ...ssh];
  // A busy machine may take longer for that than a round lasts.
  await Promise.race([Promise.all(clients.map(({ heard }) => heard)), stand.gone()]);
  await sleep(random.between(0, 700));
  let diedAt: number | undefined;
  await cause(fault, stand);
  const end = Date.now() + random.between(300, 1_200);
  while (Date.now() < end) {
    if (!stand.running()) {
      diedAt ??= Date.now();
      break;
    }
    await sleep(5);
  }
  const stopping = Promise.all(clients.map((client) => client.stop()));
  if (stand.running()) await stopping;
  // Sometimes the seals of the last sessions are done by then, sometimes not.
  if (stand.running()) await sleep(random.pick([0, 10, 300]));
  // Whatever the fault left unsealed is sealed by a start.
  await stand.kill();
  await stopping;
  await stand.start();
  return {
    fault,
    sent: sql.flatMap(({ sent }) => sent),
    lines: ssh.flatMap(({ sent }) => sent),
    diedAt,
  };
}

async function startClients(
  stand: Stand,
  round: number,
  modes: readonly DurabilityMode[],
  random: Seeded,
): Promise<ChaosClient[]> {
  const ca = readFileSync(stand.local.addresses.ca, 'utf8');
  const login = { token: await stand.local.token('developer'), ca };
  // The last client of each mode comes as a task of the round's run.
  const run = await stand.tasks.start();
  const options = (mode: DurabilityMode, n: number): string | undefined =>
    n === CLIENTS_OF_EACH_MODE - 1 ? `-c custody.run=${run} -c custody.task=${mode}` : undefined;
  const clients = modes.flatMap((mode) =>
    Array.from(
      { length: CLIENTS_OF_EACH_MODE },
      (_, n) =>
        new ChaosClient(
          stand,
          mode,
          `${mode}-r${round}-c${n}`,
          login,
          new Seeded(random.between(0, 2 ** 31)),
          options(mode, n),
        ),
    ),
  );
  for (const client of clients) client.start();
  return clients;
}

async function startSshClients(
  { ssh, local }: Stand,
  round: number,
  modes: readonly DurabilityMode[],
  random: Seeded,
): Promise<SshChaosClient[]> {
  if (ssh === undefined) return [];
  const token = await local.token('developer');
  const clients = modes.map((mode) => {
    // Beside those that speak SQL: each tag is sent once.
    const name = `${mode}-r${round}-c${CLIENTS_OF_EACH_MODE}`;
    return new SshChaosClient(ssh, mode, name, token, new Seeded(random.between(0, 2 ** 31)));
  });
  for (const client of clients) client.start();
  return clients;
}

async function cause(fault: Fault, stand: Stand): Promise<void> {
  switch (fault.kind) {
    case 'kill':
      return stand.kill();
    case 'pause':
      stand.signal('SIGSTOP');
      await sleep(fault.ms);
      return stand.signal('SIGCONT');
    case 'injected':
      return stand.plan(fault.plan);
  }
}
