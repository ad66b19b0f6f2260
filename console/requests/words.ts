/** A request in words. */
import type { Terms } from '../api/requests.ts';
import type { AccessRequest } from '../api/types.ts';
import { durationText } from '../parts/duration.ts';
import { shown } from '../parts/text.ts';

type Tone = 'good' | 'warn' | 'bad' | 'accent' | 'plain';

export interface StateWord {
  readonly word: string;
  readonly tone: Tone;
}

const STATES: Readonly<Record<AccessRequest['state'], StateWord>> = {
  pending: { word: 'Waits for reviewers', tone: 'warn' },
  granted: { word: 'Granted', tone: 'good' },
  used: { word: 'In use', tone: 'good' },
  denied: { word: 'Denied', tone: 'bad' },
  withdrawn: { word: 'Withdrawn', tone: 'plain' },
  expired: { word: 'Nobody decided in time', tone: 'plain' },
  ended: { word: 'Ran out', tone: 'plain' },
  returned: { word: 'Given back', tone: 'plain' },
  revoked: { word: 'Revoked', tone: 'bad' },
};

export const REQUEST_STATES = Object.keys(STATES) as AccessRequest['state'][];

export function stateWord(state: AccessRequest['state']): StateWord {
  return STATES[state];
}

/** `1 of 2 approvals`, `1 approval so far; 1 of each of dba, security`. */
export function approvalsText({ needs, decisions }: Pick<AccessRequest, 'needs' | 'decisions'>): string {
  const given = decisions.filter(({ decision }) => decision === 'approved').length;
  if (needs === undefined) return many(given, 'approval');
  const { approvals, all } = needs;
  const wanted = all === undefined ? approvals : approvals * all.length;
  return `${given} of ${many(wanted, 'approval')}`;
}

/** `2 people of reviewers`, `1 person of each of dba, security`. */
export function reviewersText(approvals: number, { any, all }: Terms['reviewers']): string {
  const people = approvals === 1 ? '1 person' : `${approvals} people`;
  return any === undefined
    ? `${people} of each of ${groups(all ?? [], ', ')}`
    : `${people} of ${groups(any, ' or ')}`;
}

function groups(names: readonly string[], between: string): string {
  return names.map((name) => (name === '*' ? 'anybody' : shown(name))).join(between);
}

export function many(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

/** What it is for besides its target, in a few words; undefined where it is for anything. */
export function scopeText({ statements, run, deviation }: AccessRequest): string | undefined {
  if (deviation !== undefined) return `one command outside the contract of ${shown(deviation.task)}`;
  if (statements !== undefined)
    return `${statements.length === 1 ? 'one exact command' : `${statements.length} exact commands`}, in one session`;
  if (run !== undefined)
    return `a run of ${shown(run.workflow)}${run.task === undefined ? '' : `, as its task ${shown(run.task)}`}`;
  return undefined;
}

/** `for 1 h`. */
export function durationOf({ durationSeconds }: Pick<AccessRequest, 'durationSeconds'>): string {
  return durationText(durationSeconds * 1000);
}

/** Until when it is as it is, by itself; undefined where it is over. */
export function untilOf({ state, pendingUntil, grant }: AccessRequest): string | undefined {
  if (state === 'pending') return pendingUntil;
  return state === 'granted' || state === 'used' ? grant?.until : undefined;
}
