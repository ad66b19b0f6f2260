import { setTimeout as sleep } from 'node:timers/promises';
import { durabilityModes } from '#core/recording/format.ts';
import type { CloudStand } from './stand.ts';

/** As the stack has it. */
const LEASE_MS = 15_000;
const SILENT_MS = 5_000;

export interface Brownout {
  /** How long AWS said nothing, milliseconds. */
  readonly silentMs: number;
  readonly sessions: number;
  /** Of them, those that answer afterwards. */
  readonly alive: number;
  /** The longest that a statement waited which was begun meanwhile, milliseconds. */
  readonly longestMs: number;
  readonly wrong: readonly string[];
}

/** Idle and working sessions by a standing rule, while AWS says nothing for some seconds: all go on, and their recordings verify. */
export async function brownout(stand: CloudStand): Promise<Brownout> {
  const { cloud, aws } = stand;
  const task = await cloud.task(LEASE_MS);
  const idle = await Promise.all(durabilityModes.map((mode) => task.connect('developer', mode)));
  const busy = await Promise.all(durabilityModes.map((mode) => task.connect('developer', mode)));
  const clients = [...idle, ...busy];
  await Promise.all(clients.map((client) => client.query('select 1')));
  aws.fault = { kind: 'hang' };
  const waited = busy.map(async (client) => {
    const since = performance.now();
    await client.query("select 'while nothing is heard'");
    return performance.now() - since;
  });
  const told = Promise.allSettled(waited);
  await sleep(SILENT_MS);
  aws.fault = undefined;
  const answers = await told;
  const still = await Promise.allSettled(clients.map((client) => client.query("select 'still here'")));
  await Promise.all(clients.map((client) => client.end().catch(() => undefined)));
  await task.stop();
  await stand.settle();
  const wrong = (await stand.remains.sessions())
    .filter(({ outcome }) => outcome?.reason !== 'client-closed')
    .map(({ id, outcome }) => `${id} ended: ${outcome?.reason}`);
  for (const { id } of await stand.remains.sessions()) {
    const { verdict } = await cloud.verify(id);
    if (verdict !== 'verified') wrong.push(`${id} is ${verdict}`);
  }
  return {
    silentMs: SILENT_MS,
    sessions: clients.length,
    alive: still.filter(({ status }) => status === 'fulfilled').length,
    longestMs: Math.round(Math.max(...answers.map((one) => (one.status === 'fulfilled' ? one.value : 0)))),
    wrong,
  };
}
