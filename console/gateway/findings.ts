/** What is wrong with the gateway, the worst first, each with what to do: whoever is on call reads this and nothing else. */
import type { Status } from '../api/gateway.ts';
import { durationText } from '../parts/duration.ts';

export interface Finding {
  readonly severity: 'bad' | 'warn';
  readonly title: string;
  readonly doing: string;
  /** Where on the page it is told in full. */
  readonly at: string;
}

/** As the stack's alarms have it. */
const SLOW_JOURNAL_MS = 2_000;
/** A task says how it is every ten seconds. */
const SILENT_MS = 60_000;
const MANY_REFUSED = 50;
const BAD_FIRST = { bad: 0, warn: 1 } as const;

/** Nothing where all is well. */
export function findingsOf(status: Status): readonly Finding[] {
  const all = [
    ...configuration(status),
    ...tasks(status),
    ...unsealed(status),
    ...ledger(status),
    ...journal(status),
    ...deadLetters(status),
    ...refused(status),
    ...search(status),
  ];
  return all.toSorted((a, b) => BAD_FIRST[a.severity] - BAD_FIRST[b.severity]);
}

function configuration({ config }: Status): Finding[] {
  const { refused, warnings } = config;
  const found: Finding[] = [];
  if (refused !== undefined)
    found.push({
      severity: 'bad',
      title: 'A newer custody.yaml is refused; the one before stays in force',
      doing: 'Correct the file where the problem says; it is taken within seconds.',
      at: 'configuration',
    });
  if (warnings.length > 0)
    found.push({
      severity: 'warn',
      title: `The configuration is taken with ${many(warnings.length, 'warning')}`,
      doing: 'Read them under Configuration.',
      at: 'configuration',
    });
  return found;
}

function tasks({ tasks: known, at }: Status): Finding[] {
  const alive = known.filter((task) => task.alive);
  if (alive.length === 0)
    return [
      {
        severity: 'bad',
        title: 'No gateway task is alive: nobody can connect',
        doing: 'Look at the service and the log of its last task.',
        at: 'tasks',
      },
    ];
  const silent = alive.filter(({ toldAt }) => toldAt !== undefined && age(toldAt, at) > SILENT_MS);
  if (silent.length === 0) return [];
  const title = `${many(silent.length, 'task')} said nothing for over a minute, and still has its lease`;
  const doing = 'Look at its log for pulse-untold; its sessions go on.';
  return [{ severity: 'warn', title, doing, at: 'tasks' }];
}

function unsealed({ unsealed: left, at }: Status): Finding[] {
  if (left.count === 0) return [];
  const waited = left.oldest?.since === undefined ? Number.POSITIVE_INFINITY : age(left.oldest.since, at);
  const isLate = waited > left.deadlineSeconds * 1000;
  return [
    {
      severity: isLate ? 'bad' : 'warn',
      title: isLate
        ? `${many(left.count, 'session')} of a dead task not sealed within ${durationText(left.deadlineSeconds * 1000)}`
        : `${many(left.count, 'session')} of a task that died, about to be sealed`,
      doing: isLate
        ? 'See whether the sealer runs, and what it logs: seal-failed names the session.'
        : 'Nothing: the sealer takes them over.',
      at: 'tasks',
    },
  ];
}

function ledger({ ledger: state, at }: Status): Finding[] {
  const { oldestQueuedAt, deadlineSeconds, queued, more } = state;
  if (oldestQueuedAt === undefined || age(oldestQueuedAt, at) <= 2 * deadlineSeconds * 1000) return [];
  return [
    {
      severity: 'bad',
      title: `${queued}${more ? ' and more' : ''} leaves wait for the ledger, the oldest for ${durationText(age(oldestQueuedAt, at))}`,
      doing: 'See whether the sequencer runs and may sign: nothing is lost, and nothing new is provable.',
      at: 'ledger',
    },
  ];
}

function journal({ tasks: known }: Status): Finding[] {
  const worst = Math.max(0, ...known.flatMap(({ alive, journalLagMs }) => (alive ? (journalLagMs ?? 0) : 0)));
  if (worst <= SLOW_JOURNAL_MS) return [];
  const title = `Recordings become durable ${durationText(worst)} late: sessions are held up`;
  const doing =
    'Look at the journal’s store: throttling, latency, a full disk. Past its deadline a session ends.';
  return [{ severity: 'bad', title, doing, at: 'tasks' }];
}

function deadLetters({ deadLetters: dead }: Status): Finding[] {
  if (dead.count === 0) return [];
  const title = `${many(dead.count, 'dead letter')}${dead.more ? ' and more' : ''}: a webhook did not take what it was told`;
  const doing = 'Mend the webhook, then try them again below.';
  return [{ severity: 'warn', title, doing, at: 'dead-letters' }];
}

function refused({ refusedTokens }: Status): Finding[] {
  const worst = Math.max(0, ...refusedTokens.perTenMinutes.slice(-2).map(({ count }) => count));
  if (worst < MANY_REFUSED) return [];
  const title = `${worst} tokens refused within ten minutes`;
  const doing = 'Somebody is guessing, or the identity provider has changed: see the reasons.';
  return [{ severity: 'bad', title, doing, at: 'refused' }];
}

function search({ search: left }: Status): Finding[] {
  if (left === undefined || left.pending < 20) return [];
  const title = `${many(left.pending, 'sealed session')} not searchable yet`;
  const doing = 'Wait while it is catching up; look at the log when the number stays.';
  return [{ severity: 'warn', title, doing, at: 'numbers' }];
}

function age(then: string, now: string): number {
  return Date.parse(now) - Date.parse(then);
}

function many(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
