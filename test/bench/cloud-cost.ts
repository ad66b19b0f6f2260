/**
 * `npm run bench:cost`: what the code asks AWS for, counted between the proxy and an emulator, and what that costs a month at
 * 10, 100 and 1,000 concurrent sessions; with `--write` cdk/README.md says so. Then how many calls wait for one another where a
 * session opens and where it closes; `--sequence`: only that.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { startCloud } from '#test/support/cloud.ts';
import { type AwsCounts, type CountingAws, startCountingAws } from '#test/support/counting-aws.ts';
import { costTable, type Measured, type Units, withCosts } from './cloud-cost-table.ts';
import { inSequence } from './cloud-sequence.ts';

const SESSIONS = 10;
const SECONDS = 20;
/** As the stack has it. */
const LEASE_MS = 15_000;
/** A task of the tests looks at its configuration every 200 ms, one of the stack every 2 s: an object of S3 each time. */
const LOOKS_SHARE = 0.1;
const PAGE = new URL('../../cdk/README.md', import.meta.url).pathname;

const units = (counts: AwsCounts): Units =>
  Object.fromEntries([...counts].map(([name, { units: n }]) => [name, n]));
const minus = (a: Units, b: Units): Units =>
  Object.fromEntries(
    Object.keys({ ...a, ...b }).map((name) => [name, Math.max(0, (a[name] ?? 0) - (b[name] ?? 0))]),
  );
const times = (a: Units, factor: number): Units =>
  Object.fromEntries(Object.entries(a).map(([name, n]) => [name, n * factor]));
const plus = (...all: readonly Units[]): Units => all.reduce((a, b) => minus(a, times(b, -1)), {});

const sleep = (s: number): Promise<void> => new Promise((over) => setTimeout(over, s * 1000));

const counting: { aws?: CountingAws } = {};
const cloud = await startCloud(undefined, async (endpoint) => {
  counting.aws = await startCountingAws(endpoint);
  return counting.aws.endpoint;
});
try {
  if (!process.argv.includes('--sequence')) await sayCosts();
  const counted = await inSequence(cloud, counting.aws!);
  process.stdout.write(`${JSON.stringify({ 'calls in sequence': counted }, undefined, 1)}\n`);
} finally {
  await cloud.stop();
  await counting.aws!.stop();
}
process.exit(0);

/** First of all: sessions of an earlier task, and functions that were called, would be counted as well. */
async function sayCosts(): Promise<void> {
  const measured = await measure();
  process.stdout.write(`${JSON.stringify(measured, undefined, 1)}\n\n${costTable(measured)}\n`);
  if (process.argv.includes('--write')) writeFileSync(PAGE, withCosts(readFileSync(PAGE, 'utf8'), measured));
}

async function measure(): Promise<Measured> {
  const aws = counting.aws!;
  const task = await cloud.task(LEASE_MS);
  await sleep(3);
  aws.take();
  await sleep(SECONDS);
  const idleTask = units(aws.take());
  const clients = [];
  for (let n = 0; n < SESSIONS; n += 1) clients.push(await task.connect('developer', 'orders-db'));
  await sleep(2);
  const opened = units(aws.take());
  await sleep(SECONDS);
  const idleSessions = units(aws.take());
  for (let second = 0; second < SECONDS; second += 1) {
    await Promise.all(clients.map((client) => client.query('select * from pg_class limit 20')));
    await sleep(1);
  }
  const active = units(aws.take());
  for (const client of clients) await client.end();
  await sleep(3);
  const closed = units(aws.take());
  await task.stop();
  await cloud.run('sequencer');
  const sequenced = units(aws.take());
  const [ofLeaves, ofRun] = [true, false].map((wanted) =>
    Object.fromEntries(
      Object.entries(sequenced).filter(([name]) => name.startsWith('DynamoDB write') === wanted),
    ),
  ) as [Units, Units];
  // A task with sessions looks twice a second for wishes, however many sessions it has.
  const looks = { 'DynamoDB read': idleSessions['DynamoDB read'] ?? 0 };
  const busyTask = times(plus(idleTask, looks), 1 / SECONDS);
  const inTheStack = { ...busyTask, 'S3 GET': LOOKS_SHARE * (busyTask['S3 GET'] ?? 0) };
  const ofSessions = (all: Units, seconds: number): Units =>
    times(minus(all, times(busyTask, seconds)), 1 / SESSIONS);
  return {
    'a task with sessions, a second': inTheStack,
    'a session, from opening to end': plus(ofSessions(opened, 3), ofSessions(closed, 3)),
    'its leaves, into the ledger': times(ofLeaves, 1 / SESSIONS),
    'a run of the sequencer': ofRun,
    'an idle session, a second': times(ofSessions(idleSessions, SECONDS), 1 / SECONDS),
    'a working session, a second': times(ofSessions(active, SECONDS), 1 / SECONDS),
  };
}
