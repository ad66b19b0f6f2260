import type { RunNews } from '../tasks/run-news.ts';
import { type Person, personOf } from './person.ts';
import type { AccessRequest, AskedDeviation, AskedRun, StepKind } from './request.ts';

/** What people and machines outside want to hear about at once. */
export const newsKinds = [
  'access-requested',
  'access-approved',
  'access-denied',
  'access-withdrawn',
  'access-granted',
  'access-used',
  'access-returned',
  'access-revoked',
  'break-glass',
  'break-glass-reviewed',
  'policy-changed',
  'run-deviated',
  'task-ended',
  'session-waits',
  'calls-refused',
] as const;
export type NewsKind = (typeof newsKinds)[number];

/** One event of the stream. The same event always has the same id: it may come more than once. */
export type News = AccessNews | PolicyNews | RunNews | WaitNews | RefusedNews;

/** Another configuration is in force: who may reach what has changed. */
export interface PolicyNews {
  /** `policy/<version>/<when>`: one that comes into force again is another event. */
  readonly id: string;
  readonly kind: 'policy-changed';
  /** When the file was changed. RFC 3339, UTC, milliseconds. */
  readonly at: string;
  readonly alarm: false;
  /** Its version: the SHA-256 of custody.yaml, as the ledger has it. */
  readonly policy: string;
}

/** A session that runs only while somebody watches it waits for them. */
export interface WaitNews {
  /** `<session id>/waits`: it waits once. */
  readonly id: string;
  readonly kind: 'session-waits';
  /** Since when. RFC 3339, UTC, milliseconds. */
  readonly at: string;
  readonly alarm: false;
  readonly session: string;
  /** With whoever acts for them. */
  readonly requester: Person;
  readonly target: string;
  readonly rule: string;
  /** Whose watching counts: one of these groups. */
  readonly groups: readonly string[];
  /** Its client is sent away then. */
  readonly until: string;
}

/** Calls of a session were refused: by the first of them, and then once in a while. The recording has all. */
export interface RefusedNews {
  /** `<session id>/refused/<how many>`. */
  readonly id: string;
  readonly kind: 'calls-refused';
  /** RFC 3339, UTC, milliseconds. */
  readonly at: string;
  readonly alarm: false;
  readonly session: string;
  /** With whoever acts for them. */
  readonly requester: Person;
  readonly target: string;
  readonly rule: string;
  /** The last of them in one line, without what it carried. */
  readonly call: string;
  /** Why: a code of errors. */
  readonly code: string;
  /** How many there were so far. */
  readonly refused: number;
}

export interface AccessNews {
  /** `<request id>/<number>`: the request itself is 0, its steps count from 1. */
  readonly id: string;
  readonly kind: Exclude<NewsKind, (PolicyNews | RunNews | WaitNews | RefusedNews)['kind']>;
  /** RFC 3339, UTC, milliseconds. */
  readonly at: string;
  /** True where somebody should look now. */
  readonly alarm: boolean;
  /** Whom it is by; absent where time or a rule did it. */
  readonly by?: Person;
  /** With whoever acted for them. */
  readonly requester: Person;
  readonly request: string;
  readonly target: string;
  readonly rule: string;
  readonly reason?: string;
  readonly ticket?: string;
  /** What who did it says about it. */
  readonly comment?: string;
  readonly durationMs: number;
  /** Of a grant: when it ends. */
  readonly until?: string;
  /** How many commands it is bound to; their texts stay with the request. */
  readonly statements?: number;
  /** The run that it is for. */
  readonly run?: AskedRun;
  /** The command that waits. */
  readonly deviation?: ToldDeviation;
}

/** Of the command as much as one looks at at once; all of it is with the request, whose digest the ledger has. */
export type ToldDeviation = Omit<AskedDeviation, 'command'> & {
  readonly command: { readonly sha256: string; readonly text: string; readonly isWhole: boolean };
};

/** Where news go (EventBridge in the cloud; webhooks read from it). */
export interface NewsStream {
  /** When it returns, the event will be delivered at least once, whatever dies. Telling the same event again is no error. */
  tell(news: News): Promise<void>;
}

const KINDS: Readonly<Record<StepKind, AccessNews['kind']>> = {
  approved: 'access-approved',
  denied: 'access-denied',
  withdrawn: 'access-withdrawn',
  granted: 'access-granted',
  used: 'access-used',
  returned: 'access-returned',
  revoked: 'access-revoked',
  reviewed: 'break-glass-reviewed',
};

/** The event of a request (0) or of one of its steps (from 1). */
export function newsOf(request: AccessRequest, number: number): AccessNews {
  const step = number === 0 ? undefined : request.steps[number - 1]!;
  const { requester, target, rule, reason, ticket, durationMs, statements, run, deviation } = request;
  const by = step === undefined ? requester : 'by' in step ? step.by : undefined;
  const comment = step !== undefined && 'comment' in step ? step.comment : undefined;
  const broken = request.breakGlass && (step === undefined || step.kind === 'granted');
  return {
    id: `${request.id}/${number}`,
    kind: step === undefined ? (broken ? 'break-glass' : 'access-requested') : KINDS[step.kind],
    at: step?.at ?? request.createdAt,
    alarm: broken || (step?.kind === 'reviewed' && step.verdict === 'unjustified'),
    ...(by === undefined ? {} : { by: personOf(by) }),
    requester: personOf(requester),
    request: request.id,
    target,
    rule,
    ...(reason === undefined ? {} : { reason }),
    ...(ticket === undefined ? {} : { ticket }),
    ...(comment === undefined ? {} : { comment }),
    durationMs,
    ...(step?.kind === 'granted' ? { until: step.until } : {}),
    ...(statements === undefined ? {} : { statements: statements.length }),
    ...(run === undefined ? {} : { run }),
    ...(deviation === undefined ? {} : { deviation: told(deviation) }),
  };
}

const TOLD_CHARACTERS = 1_000;

function told({ command: { sha256, text }, ...deviation }: AskedDeviation): ToldDeviation {
  const characters = Array.from(text);
  const isWhole = characters.length <= TOLD_CHARACTERS;
  const shown = isWhole ? text : characters.slice(0, TOLD_CHARACTERS).join('');
  return { ...deviation, command: { sha256, text: shown, isWhole } };
}

/** The event of a configuration that is in force, as it was written at `changedAt`. */
export function policyNews(version: string, changedAt: Date): PolicyNews {
  // Standard Webhooks signs an id with a full stop behind it, so that it must not have one itself, as a time in words has.
  const id = `policy/${version}/${changedAt.getTime()}`;
  return { id, kind: 'policy-changed', at: changedAt.toISOString(), alarm: false, policy: version };
}

/** The event of a session that waits from `at` on. */
export function waitNews(
  waiting: Pick<WaitNews, 'session' | 'target' | 'rule' | 'groups'> & { readonly requester: Person },
  at: Date,
  until: Date,
): WaitNews {
  return {
    ...{ id: `${waiting.session}/waits`, kind: 'session-waits', at: at.toISOString(), alarm: false },
    ...waiting,
    requester: personOf(waiting.requester),
    until: until.toISOString(),
  };
}

/** The event of a session whose calls were refused `refused` times until `at`. */
export function refusedNews(
  about: Pick<RefusedNews, 'session' | 'target' | 'rule' | 'code' | 'refused' | 'call'> & {
    readonly requester: Person;
  },
  at: Date,
): RefusedNews {
  const { session, refused, call, requester } = about;
  const id = `${session}/refused/${refused}`;
  const told = {
    ...about,
    call: Array.from(call).slice(0, TOLD_CHARACTERS).join(''),
    requester: personOf(requester),
  };
  return { ...{ id, kind: 'calls-refused', at: at.toISOString(), alarm: false }, ...told };
}
