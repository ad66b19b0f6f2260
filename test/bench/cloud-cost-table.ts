/** What was counted of AWS, as cdk/README.md tells it. Prices: AWS's list for us-east-1, on demand, arm64, November 2026 as far as known. */

const MONTH_S = 30 * 24 * 3600;
/** A session lasts an hour, and somebody works in it a tenth of the time, with one statement a second. */
const SESSION_S = 3600;
const ACTIVE_SHARE = 0.1;
/** As the stack has it, when there is always something to sequence. */
const SEQUENCER_S = 60;
const SESSIONS_PER_TASK = 200;

const PRICE: Readonly<Record<string, number>> = {
  'DynamoDB write': 0.625e-6,
  'DynamoDB read': 0.125e-6,
  'S3 PUT': 5e-6,
  'S3 GET': 0.4e-6,
  'S3 HEAD': 0.4e-6,
  'S3 GET list': 5e-6,
  'TrentService Sign': 15e-6,
  'TrentService GetPublicKey': 15e-6,
  'secretsmanager GetSecretValue': 5e-6,
};

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

export const BEGINS = '<!-- Made by `npm run bench:cost -- --write`. -->';
export const ENDS = '<!-- So far. -->';

/** Calls, or what is charged of them, by name. */
export type Units = Readonly<Record<string, number>>;

export interface Measured {
  readonly 'a task with sessions, a second': Units;
  readonly 'a session, from opening to end': Units;
  readonly 'its leaves, into the ledger': Units;
  readonly 'a run of the sequencer': Units;
  readonly 'an idle session, a second': Units;
  readonly 'a working session, a second': Units;
}

/** The page with these figures between its two marks. Throws where it has none. */
export function withCosts(page: string, measured: Measured): string {
  const [from, to] = [page.indexOf(BEGINS), page.indexOf(ENDS)];
  if (from < 0 || to < from) throw new Error(`the page has no ${BEGINS} … ${ENDS}`);
  const made = `${costTable(measured)}\n\n${inWords(measured)}`;
  return `${page.slice(0, from + BEGINS.length)}\n\n${made}\n\n${page.slice(to)}`;
}

/** In $ a month, a line for so many sessions at once. */
export function costTable(measured: Measured): string {
  const lines = [10, 100, 1000].map((sessions) => costLine(sessions, measured));
  const head = '| sessions at once | tasks | Fargate | requests | fixed | storage after a year | together |';
  return [head, '|---|---|---|---|---|---|---|', ...lines].join('\n');
}

function costLine(sessions: number, measured: Measured): string {
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
  const storage = ((opened * 0.5) / 1024) * 12 * 0.012;
  const money = [compute, requests, fixed, storage, compute + requests + fixed + storage];
  return `| ${[sessions, tasks, ...money.map((n) => n.toFixed(0))].join(' | ')} |`;
}

/** What a session asks for. */
function inWords(measured: Measured): string {
  const {
    'a session, from opening to end': session,
    'its leaves, into the ledger': leaves,
    'a working session, a second': working,
  } = measured;
  const n = (units: Units, name: string, digits = 0): string => (units[name] ?? 0).toFixed(digits);
  return [
    `What a session asks for, from opening to end: ${n(session, 'DynamoDB write')} write units (and ${n(leaves, 'DynamoDB write')} for its way into the`,
    `ledger), ${n(session, 'TrentService Sign')} signatures, ${n(session, 'S3 PUT')} objects, ${n(session, 'secretsmanager GetSecretValue')} secret; while somebody works, ${n(working, 'DynamoDB write', 1)} write units a second (the`,
    'journal); while nobody does, nothing.',
  ].join('\n');
}

function cost(units: Units): number {
  return Object.entries(units).reduce((sum, [name, n]) => sum + n * (PRICE[name] ?? 0), 0);
}
