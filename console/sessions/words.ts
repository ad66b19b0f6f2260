/** Words for what the API says by codes. */
import type { Session } from '../api/types.ts';

export type Tone = 'good' | 'warn' | 'bad' | 'accent' | '';

export interface Word {
  readonly word: string;
  readonly tone: Tone;
  /** In a sentence. */
  readonly meaning: string;
}

type CloseReason = NonNullable<Session['outcome']>['reason'];

const REASONS: Readonly<Record<CloseReason, Word>> = {
  'client-closed': { word: 'ended', tone: '', meaning: 'The client said goodbye.' },
  'client-lost': { word: 'client lost', tone: 'warn', meaning: 'The client went away without a word.' },
  'target-closed': { word: 'target ended it', tone: 'warn', meaning: 'The target ended it, and said why.' },
  'target-lost': { word: 'target lost', tone: 'warn', meaning: 'The target went away without a word.' },
  'target-refused': { word: 'refused', tone: 'bad', meaning: 'The target refused the login.' },
  'target-unreachable': {
    word: 'unreachable',
    tone: 'bad',
    meaning: 'The target was not there, or did not answer in time.',
  },
  terminated: { word: 'ended by an operator', tone: 'bad', meaning: 'An operator ended it.' },
  expired: { word: 'access over', tone: 'warn', meaning: 'The gateway ended it, as the access had expired.' },
  revoked: {
    word: 'access withdrawn',
    tone: 'bad',
    meaning: 'The gateway ended it, as the access was withdrawn.',
  },
  'not-approved': {
    word: 'not approved',
    tone: 'bad',
    meaning: 'The gateway ended it, as the client sent what was not approved.',
  },
  deviated: {
    word: 'deviated',
    tone: 'bad',
    meaning: 'The gateway ended it, as it left the contract of its task.',
  },
  unwatched: {
    word: 'unwatched',
    tone: 'warn',
    meaning: 'The gateway ended it, as nobody watched it who had to.',
  },
  drained: { word: 'gateway stopped', tone: 'warn', meaning: 'The gateway ended it, as it was shut down.' },
  'recording-failed': {
    word: 'recording failed',
    tone: 'bad',
    meaning: 'The gateway ended it, as it could not be recorded any longer.',
  },
  'protocol-violation': {
    word: 'protocol broken',
    tone: 'bad',
    meaning: 'The gateway ended it, as the protocol was broken.',
  },
  'gateway-failed': { word: 'gateway failed', tone: 'bad', meaning: 'The gateway failed.' },
  recovered: {
    word: 'recovered',
    tone: 'warn',
    meaning: 'The gateway died; what was recorded until then was sealed afterwards.',
  },
};

/** Where a session is, or how it ended. */
export function stateWord({ state, outcome }: Pick<Session, 'state' | 'outcome'>, isWaiting = false): Word {
  if (isWaiting)
    return { word: 'waits for a watcher', tone: 'warn', meaning: 'It begins when somebody watches it.' };
  if (state === 'open' || outcome === undefined)
    return { word: 'live', tone: 'good', meaning: 'It goes on.' };
  return REASONS[outcome.reason] ?? reasonUnknown(outcome.reason);
}

/** Of a reason that a later gateway says. */
function reasonUnknown(reason: string): Word {
  return { word: reason, tone: '', meaning: reason };
}

/** Of an end as a watch tells it. */
export function reasonMeaning(reason: string): string {
  return Object.hasOwn(REASONS, reason) ? REASONS[reason as CloseReason].meaning : reason;
}

/** Every reason that a session ends for, for whoever chooses. */
export const CLOSE_REASONS: readonly { readonly reason: string; readonly word: string }[] = Object.entries(
  REASONS,
).map(([reason, { word }]) => ({ reason, word }));

const VERDICTS: Readonly<Record<string, Word>> = {
  verified: {
    word: 'evidence verified',
    tone: 'good',
    meaning: 'Whole and unaltered, as the gateway signed it.',
  },
  unanchored: { word: 'not in the ledger yet', tone: 'warn', meaning: 'Nothing contradicts it so far.' },
  incomplete: { word: 'goes on', tone: 'accent', meaning: 'Consistent so far; it is not sealed yet.' },
  failed: {
    word: 'evidence does not verify',
    tone: 'bad',
    meaning: 'Something contradicts it. Do not rely on what is shown.',
  },
};

export function verdictWord(verdict: string): Word {
  return VERDICTS[verdict] ?? { word: verdict, tone: '', meaning: verdict };
}

const UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** `1.4 MiB`. */
export function bytesText(bytes: number): string {
  let [value, unit] = [bytes, 0];
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(value < 10 ? 1 : 0)} ${UNITS[unit]}`;
}

/** `1,234 rows`. */
export function counted(count: number, one: string, more = `${one}s`): string {
  return `${count.toLocaleString('en')} ${count === 1 ? one : more}`;
}

/** Of a step, in microseconds: `1.2 ms`, `3.4 s`. */
export function tookText(us: number): string {
  if (us < 1_000) return `${Math.round(us)} µs`;
  if (us < 1_000_000) return `${(us / 1_000).toFixed(us < 10_000 ? 1 : 0)} ms`;
  return us < 60_000_000
    ? `${(us / 1e6).toFixed(1)} s`
    : `${Math.floor(us / 6e7)} min ${Math.round((us % 6e7) / 1e6)} s`;
}

/** Where in the session, microseconds from its start: `0:04.125`, `1:02:03`. */
export function placeText(us: number): string {
  const seconds = us / 1e6;
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  const rest = (seconds % 60).toFixed(hours > 0 ? 0 : 3).padStart(hours > 0 ? 2 : 6, '0');
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, '0')}:${rest}` : `${minutes}:${rest}`;
}
