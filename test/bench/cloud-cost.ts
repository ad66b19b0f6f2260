/**
 * `npm run bench:cost`: what the code asks AWS for, counted between the proxy and an emulator, and what that costs a month at
 * 10, 100 and 1,000 concurrent sessions. Prices: AWS's list for us-east-1, on demand, arm64, November 2026 as far as known;
 * change them below.
 */
import type { Client } from 'pg';
import { startCloud } from '#test/support/cloud.ts';
import { type AwsCounts, type CountingAws, startCountingAws } from '#test/support/counting-aws.ts';

const SESSIONS = 10;
const SECONDS = 20;
const MONTH_S = 30 * 24 * 3600;
/** A session lasts an hour, and somebody works in it a tenth of the time, with one statement a second. */
const SESSION_S = 3600;
const ACTIVE_SHARE = 0.1;
/** As the stack has it, when there is always something to sequence. */
const SEQUENCER_S = 60;
const SESSIONS_PER_TASK = 200;
/** As the stack has it. */
const LEASE_MS = 15_000;
/** A task of the tests looks at its configuration every 200 ms, one of the stack every 2 s: an object of S3 each time. */
const LOOKS_SHARE = 0.1;

const PRICE = {
  'DynamoDB write': 0.625e-6,
  'DynamoDB read': 0.125e-6,
  'S3 PUT': 5e-6,
  'S3 GET': 0.4e-6,
  'S3 HEAD': 0.4e-6,
  'S3 GET list': 5e-6,
  'TrentService Sign': 15e-6,
  'TrentService GetPublicKey': 15e-6,
  'secretsmanager GetSecretValue': 5e-6,
} as const;

/** By the month, whether anybody works or not. */
const FIXED = {
  'network load balancer': 16.4 + 6,
  'NAT gateway, for the identity provider': 32.9,
  'interface endpoints (KMS, Secrets Manager, logs, ECR x 2, in 2 zones)': 5 * 2 * 7.3,
  'KMS keys': 2,
  'secrets (certificate, 5 targets)': 6 * 0.4,
  'functions (the notifier is awake all the time: 17)': 20,
  'alarms (100 metrics), dashboard, metrics': 16,
} as const;
/** 1 vCPU and 2 GiB, arm64. */
const TASK_A_MONTH = 720 * (0.03238 + 2 * 0.00356);
const LOG_A_SESSION = 2_000 * 0.5e-9;

type Units = Readonly<Record<string, number>>;

const units = (counts: AwsCounts): Units =>
  Object.fromEntries([...counts].map(([name, { units: n }]) => [name, n]));
const minus = (a: Units, b: Units): Units =>
  Object.fromEntries(
    Object.keys({ ...a, ...b }).map((name) => [name, Math.max(0, (a[name] ?? 0) - (b[name] ?? 0))]),
  );
const times = (a: Units, factor: number): Units =>
  Object.fromEntries(Object.entries(a).map(([name, n]) => [name, n * factor]));
const plus = (...all: readonly Units[]): Units => all.reduce((a, b) => minus(a, times(b, -1)), {});
const cost = (a: Units): number =>
  Object.entries(a).reduce((sum, [name, n]) => sum + n * (PRICE[name as keyof typeof PRICE] ?? 0), 0);
/** Long beside what an emulator takes, and short beside what a look of the gateway may. */
const DELAY_MS = 300;
const LOGINS = 7;

const sleep = (s: number): Promise<void> => new Promise((over) => setTimeout(over, s * 1000));

const counting: { aws?: CountingAws } = {};
const cloud = await startCloud(undefined, async (endpoint) => {
  counting.aws = await startCountingAws(endpoint);
  return counting.aws.endpoint;
});
try {
  if (!process.argv.includes('--opening')) await sayCosts();
  process.stdout.write(`${JSON.stringify({ 'calls in sequence, to open a session': await opening() })}\n`);
} finally {
  await cloud.stop();
  await counting.aws!.stop();
}
process.exit(0);

/** First of all: sessions of an earlier task, and functions that were called, would be counted as well. */
async function sayCosts(): Promise<void> {
  const measured = await measure();
  process.stdout.write(`${JSON.stringify(measured, undefined, 1)}\n\n${table(measured)}\n`);
}

async function measure() {
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

async function opening() {
  const task = await cloud.task(LEASE_MS);
  const request = { target: 'orders-prod', reason: 'how long it takes', durationSeconds: 3600 };
  const { id } = await cloud.call<{ id: string }>('developer', 'POST', '/v1/requests', request);
  for (const reviewer of ['reviewer', 'reviewer-2'] as const)
    await cloud.call(reviewer, 'POST', `/v1/requests/${id}/decisions`, { decision: 'approved' });
  const counted = {
    'by a rule': await callsInSequence(() => task.connect('developer', 'orders-db')),
    'on a grant': await callsInSequence(() => task.connect('developer', 'orders-prod')),
  };
  await task.stop();
  return counted;
}

/** How many of its calls wait for the one before: what a login takes longer by, where each call takes longer. */
async function callsInSequence(connect: () => Promise<Client>): Promise<number> {
  const logins = async (delayMs: number): Promise<number> => {
    counting.aws!.delay(delayMs);
    const took: number[] = [];
    for (let n = 0; n < LOGINS; n += 1) {
      const since = performance.now();
      const client = await connect();
      took.push(performance.now() - since);
      await client.end();
    }
    return took.toSorted((a, b) => a - b)[LOGINS >> 1]!;
  };
  const [without, delayed] = [await logins(0), await logins(DELAY_MS)];
  counting.aws!.delay(0);
  return Number(((delayed - without) / DELAY_MS).toFixed(1));
}

function table(measured: Awaited<ReturnType<typeof measure>>): string {
  const rows = [10, 100, 1000].map((sessions) => {
    const tasks = Math.max(2, Math.ceil(sessions / SESSIONS_PER_TASK) + 1);
    const opened = (sessions * MONTH_S) / SESSION_S;
    const requests =
      tasks * MONTH_S * cost(measured['a task with sessions, a second']) +
      opened * (cost(measured['a session, from opening to end']) + LOG_A_SESSION) +
      opened * cost(measured['its leaves, into the ledger']) +
      (MONTH_S / SEQUENCER_S) * cost(measured['a run of the sequencer']) +
      sessions * MONTH_S * (1 - ACTIVE_SHARE) * cost(measured['an idle session, a second']) +
      sessions * MONTH_S * ACTIVE_SHARE * cost(measured['a working session, a second']);
    const fixed = Object.values(FIXED).reduce((a, b) => a + b, 0);
    const compute = tasks * TASK_A_MONTH;
    const gigabytes = (opened * 0.5) / 1024;
    const storage = gigabytes * 12 * 0.012;
    const money = [tasks, compute, requests, fixed, storage, compute + requests + fixed + storage];
    return `| ${[sessions, ...money.map((n, i) => (i === 0 ? n : n.toFixed(0)))].join(' | ')} |`;
  });
  const head =
    '| sessions at once | tasks | Fargate | requests | fixed | storage after a year (0.5 MB a session) | $ a month |';
  return [head, '|---|---|---|---|---|---|---|', ...rows].join('\n');
}
