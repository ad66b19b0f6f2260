/** How many calls of AWS wait for one another: what takes longer by so much, where each call takes longer. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Cloud, CloudTask } from '#test/support/cloud.ts';
import type { CountingAws } from '#test/support/counting-aws.ts';

/** Long beside what an emulator takes, and short beside what a look of the gateway may. */
const DELAY_MS = 300;
const SESSIONS = 7;
/** As the stack has it. */
const LEASE_MS = 15_000;
const LOOK_MS = 5;

/** Of one session, in milliseconds. */
interface Took {
  /** From the client's first byte to its being let in. */
  readonly opening: number;
  /** From the client's last byte to its being sealed. Nobody waits for it but whoever ends the task. */
  readonly closing: number;
}

export type InSequence = Readonly<Record<'by a rule' | 'on a grant', Took>>;

export async function inSequence(cloud: Cloud, aws: Pick<CountingAws, 'delay'>): Promise<InSequence> {
  const task = await cloud.task(LEASE_MS);
  const request = { target: 'orders-prod', reason: 'how long it takes', durationSeconds: 3600 };
  const { id } = await cloud.call<{ id: string }>('developer', 'POST', '/v1/requests', request);
  for (const reviewer of ['reviewer', 'reviewer-2'] as const)
    await cloud.call(reviewer, 'POST', `/v1/requests/${id}/decisions`, { decision: 'approved' });
  const counted = {
    'by a rule': await callsOf(task, 'orders-db', aws),
    'on a grant': await callsOf(task, 'orders-prod', aws),
  };
  await task.stop();
  return counted;
}

async function callsOf(task: CloudTask, database: string, aws: Pick<CountingAws, 'delay'>): Promise<Took> {
  const quick = await usual(task, database);
  aws.delay(DELAY_MS);
  const slow = await usual(task, database);
  aws.delay(0);
  const calls = (end: keyof Took): number => Number(((slow[end] - quick[end]) / DELAY_MS).toFixed(1));
  return { opening: calls('opening'), closing: calls('closing') };
}

/** Of several sessions, the one in the middle. */
async function usual(task: CloudTask, database: string): Promise<Took> {
  const took: Took[] = [];
  for (let n = 0; n < SESSIONS; n += 1) took.push(await oneSession(task, database));
  const middle = (end: keyof Took): number =>
    took.map((each) => each[end]).toSorted((a, b) => a - b)[SESSIONS >> 1]!;
  return { opening: middle('opening'), closing: middle('closing') };
}

async function oneSession(task: CloudTask, database: string): Promise<Took> {
  const begins = performance.now();
  const client = await task.connect('developer', database);
  const isOpen = performance.now();
  const sealed = sessionsSealed(task);
  await client.query('select 1');
  const ends = performance.now();
  await client.end();
  while (sessionsSealed(task) === sealed) await sleep(LOOK_MS);
  return { opening: isOpen - begins, closing: performance.now() - ends };
}

function sessionsSealed({ said }: CloudTask): number {
  return said.filter(({ event }) => event === 'session-closed').length;
}
