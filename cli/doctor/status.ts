import { z } from 'zod';
import { CustodyError } from '#core/errors.ts';
import { type Api, getJson } from '../api.ts';
import { count, text } from '../api-shapes.ts';
import { bad, type Finding, good, unknown, warning } from '../findings/finding.ts';
import { counted } from '../listing.ts';

/** Of GET /v1/status, what is looked at. */
const statusSchema = z.object({
  at: text,
  sessions: z.object({ open: count, waiting: count }),
  tasks: z.array(z.object({ task: text, alive: z.boolean(), journalLagMs: count.optional() })),
  unsealed: z.object({
    count,
    oldest: z.object({ session: text, since: text.optional() }).optional(),
    deadlineSeconds: z.number(),
  }),
  ledger: z.object({
    size: count,
    queued: count,
    oldestQueuedAt: text.optional(),
    deadlineSeconds: z.number(),
  }),
  deadLetters: z.object({ count }),
  refusedTokens: z.object({
    total: count,
    reasons: z.array(z.object({ door: text, code: text, issuer: text.optional(), count })),
  }),
  config: z.object({
    version: text,
    refused: z.object({ problem: text }).optional(),
    warnings: z.array(text),
  }),
});
type Status = z.infer<typeof statusSchema>;

const ABOUT = 'gateway';
/** The recorder pauses sessions whose frames waited a quarter of a second. */
const LAG_MS = 1_000;
const REFUSED_MANY = 20;

/** How the gateway says it is, where one may administer it. */
export async function statusFindings(api: Api): Promise<readonly Finding[]> {
  try {
    const status = await getJson(api, '/v1/status', statusSchema);
    const wrong = [
      ...taskFindings(status),
      ...left(status),
      ...configFindings(status),
      ...refusedFindings(status),
    ];
    if (wrong.length > 0) return wrong;
    const { sessions, tasks } = status;
    return [
      good(
        ABOUT,
        `${counted(sessions.open, 'session')} at ${counted(tasks.length, 'task')}; nothing is late`,
      ),
    ];
  } catch (thrown) {
    if (!(thrown instanceof CustodyError) || thrown.code !== 'access-denied') throw thrown;
    return [
      unknown(ABOUT, 'how it is, is for those who administer it', { todo: 'ask one of them, or use --aws' }),
    ];
  }
}

function taskFindings({ tasks }: Status): Finding[] {
  const alive = tasks.filter((task) => task.alive);
  if (alive.length === 0)
    return [
      bad(ABOUT, 'no task of it holds its lease', {
        why: 'nobody gets a session',
        todo: 'custody doctor --aws says why tasks do not run',
      }),
    ];
  return alive
    .filter(({ journalLagMs = 0 }) => journalLagMs > LAG_MS)
    .map(({ task, journalLagMs }) =>
      warning(`task ${task}`, `what it recorded waited ${journalLagMs} ms to be safe`, {
        why: 'sessions are paused meanwhile',
        todo: 'look at throttles of the journal table (custody doctor --aws), and at what moves so much data',
      }),
    );
}

/** What has a time by which it is done. */
function left({ at, unsealed, ledger, deadLetters }: Status): Finding[] {
  const age = (since: string | undefined): number => (Date.parse(at) - Date.parse(since ?? at)) / 1000;
  const oldest = unsealed.oldest;
  const sealing = age(oldest?.since);
  const entering = age(ledger.oldestQueuedAt);
  return [
    ...(sealing > unsealed.deadlineSeconds
      ? [
          bad(
            'sealer',
            `the session ${oldest!.session} should have been sealed ${Math.round(sealing - unsealed.deadlineSeconds)} s ago`,
            {
              why: 'its evidence is not complete yet',
              todo: "look into the sealer's log",
            },
          ),
        ]
      : []),
    ...(entering > ledger.deadlineSeconds * 2
      ? [
          bad(
            'ledger',
            `${counted(ledger.queued, 'leaf', 'leaves')} wait, the first for ${Math.round(entering)} s`,
            {
              why: 'what is not under a checkpoint could be taken away unseen',
              todo: "look into the sequencer's log",
            },
          ),
        ]
      : []),
    ...(deadLetters.count > 0
      ? [
          warning('webhooks', `${counted(deadLetters.count, 'delivery', 'deliveries')} were given up`, {
            todo: 'custody dead-letters',
          }),
        ]
      : []),
  ];
}

function configFindings({ config }: Status): Finding[] {
  const { refused, warnings } = config;
  return [
    ...(refused === undefined
      ? []
      : [
          bad('custody.yaml', `a newer one is refused: ${refused.problem}`, {
            why: 'the one before it is in force',
            todo: 'correct it: custody config check',
          }),
        ]),
    ...warnings.map((words) => warning('custody.yaml', words)),
  ];
}

function refusedFindings({ refusedTokens: { total, reasons } }: Status): Finding[] {
  if (total < REFUSED_MANY) return [];
  const [most] = reasons;
  const what = `${total} tokens were refused in the last hour`;
  if (most === undefined) return [warning('logins', what)];
  const of = most.issuer === undefined ? '' : ` of ${most.issuer}`;
  return [
    warning('logins', `${what}, most at the ${most.door}: ${most.code}${of} (${most.count})`, {
      todo: 'docs/identity says what each issuer needs',
    }),
  ];
}
