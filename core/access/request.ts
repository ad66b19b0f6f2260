import { createHash } from 'node:crypto';
import type { DeviationKind } from '../tasks/deviation.ts';
import type { Person } from './person.ts';

/** A command by its text; see statements.ts for what is hashed. */
export interface NamedStatement {
  readonly sha256: string;
  readonly text: string;
}

/**
 * What a principal asks for, and everything that came of it. The question never changes; steps are only added, so the
 * number of steps names a version.
 */
export interface AccessRequest extends AccessQuestion {
  /** Assigned by Custody: UUID version 7. The grant that may come of it goes by the same id. */
  readonly id: string;
  /** SHA-256 of the question: what reviewers decide about, by name (security case 23). */
  readonly digest: string;
  readonly steps: readonly Step[];
}

export interface AccessQuestion {
  readonly requester: Person;
  readonly target: string;
  /** The rule that lets them ask. */
  readonly rule: string;
  /** The configuration it was asked under. */
  readonly policy: string;
  readonly reason?: string;
  readonly ticket?: string;
  /** How long, from the approval on. */
  readonly durationMs: number;
  /** The grant is for these commands and one session alone. */
  readonly statements?: readonly NamedStatement[];
  /** The grant is for sessions of this run alone. */
  readonly run?: AskedRun;
  /** A session waits with a command that its contract does not have: the grant is for that command, once, and opens no session. */
  readonly deviation?: AskedDeviation;
  /** Granted at once, without anybody's decision; somebody has to look at it afterwards. */
  readonly breakGlass: boolean;
  /** RFC 3339, UTC, milliseconds; as all times here. */
  readonly createdAt: string;
  /** A request that is not decided by then has expired. */
  readonly pendingUntil: string;
}

/** A run, and the workflow it is under: reviewers see what its contracts were. */
export interface AskedRun {
  readonly id: string;
  readonly workflow: string;
  readonly workflowDigest: string;
  /** Only as this task. */
  readonly task?: string;
}

/** What a session does that its contract does not have, for reviewers of the contract. */
export interface AskedDeviation {
  readonly run: string;
  readonly workflow: string;
  readonly workflowDigest: string;
  readonly task: string;
  readonly session: string;
  /** The command, whole: what reviewers decide about is what goes on. SHA-256 of this very text. */
  readonly command: NamedStatement;
  readonly kind: DeviationKind;
  /** The contract's command that it comes nearest to. */
  readonly of?: string;
  readonly expected: string;
  readonly seen: string;
  /** It has run: whether the session goes on is what is asked. */
  readonly isAnswer: boolean;
}

/** What happened to a request. */
export type Step = { readonly at: string } & (
  | {
      readonly kind: 'approved' | 'denied';
      readonly by: Person;
      /** The reviewer groups they were in. */
      readonly groups: readonly string[];
      readonly comment?: string;
    }
  | { readonly kind: 'withdrawn'; readonly by: Person }
  /** From `at` to `until`. */
  | { readonly kind: 'granted'; readonly until: string }
  /** A grant for one session has its session. */
  | { readonly kind: 'used'; readonly session: string }
  /** Before its time: by the requester, or by a reviewer. */
  | { readonly kind: 'returned'; readonly by: Person }
  | { readonly kind: 'revoked'; readonly by: Person; readonly comment?: string }
  /** Somebody looked at what was done with a broken glass. */
  | {
      readonly kind: 'reviewed';
      readonly by: Person;
      readonly verdict: 'justified' | 'unjustified';
      readonly comment?: string;
    }
);
export type StepKind = Step['kind'];
/** Also of a kind that shares its members with another, which `Extract` would not find. */
export type StepOf<K extends StepKind> = Step & { readonly kind: K };

export const requestStates = [
  'pending',
  'granted',
  'used',
  'denied',
  'withdrawn',
  'expired',
  'ended',
  'returned',
  'revoked',
] as const;
/** `used`: a grant for one session has its session. `expired`: nobody decided in time. `ended`: the grant ran out. */
export type RequestState = (typeof requestStates)[number];

/** SHA-256 of the question, over JSON with its members in the order below. */
export function digestOf(question: AccessQuestion): string {
  const { requester, target, rule, policy, reason, ticket, durationMs, statements, breakGlass } = question;
  const { createdAt, pendingUntil } = question;
  const { issuer, subject, email, actors } = requester;
  const hashes = statements?.map(({ sha256 }) => sha256);
  const members = [issuer, subject, email, target, rule, policy, reason, ticket, durationMs, hashes];
  // Without actors the bytes are those of before there were any.
  const chain = actors === undefined ? [] : [actors.map((actor) => [actor.issuer, actor.subject])];
  const text = JSON.stringify([...members, breakGlass, createdAt, pendingUntil, ...ofRun(question, chain)]);
  return createHash('sha256').update(text).digest('hex');
}

/** With a run or a deviation three members follow, whether or not there are actors: none is taken for another. */
function ofRun({ run, deviation }: AccessQuestion, chain: readonly unknown[]): readonly unknown[] {
  if (run === undefined && deviation === undefined) return chain;
  return [chain[0] ?? null, runMembers(run), deviationMembers(deviation)];
}

function runMembers(run: AskedRun | undefined): readonly unknown[] | null {
  return run === undefined ? null : [run.id, run.workflow, run.workflowDigest, run.task ?? null];
}

function deviationMembers(deviation: AskedDeviation | undefined): readonly unknown[] | null {
  if (deviation === undefined) return null;
  const { run, workflow, workflowDigest, task, session, command, isAnswer } = deviation;
  const { kind, of = null, expected, seen } = deviation;
  const place = [run, workflow, workflowDigest, task, session];
  return [...place, command.sha256, isAnswer, kind, of, expected, seen];
}

export function stateOf(request: AccessRequest, now: Date): RequestState {
  const last = request.steps.findLast(({ kind }) => kind in ENDS);
  if (last !== undefined) return ENDS[last.kind as keyof typeof ENDS];
  const until = Date.parse(grantOf(request)?.until ?? request.pendingUntil);
  const isOver = !(now.getTime() < until);
  if (grantOf(request) === undefined) return isOver ? 'expired' : 'pending';
  if (isOver) return 'ended';
  return stepOf(request, 'used') === undefined ? 'granted' : 'used';
}

/** Steps after which nothing is given any more. */
const ENDS = { denied: 'denied', withdrawn: 'withdrawn', returned: 'returned', revoked: 'revoked' } as const;

export function grantOf(request: AccessRequest): StepOf<'granted'> | undefined {
  return stepOf(request, 'granted');
}

/** The one step of a kind that happens once. */
export function stepOf<K extends StepKind>({ steps }: AccessRequest, kind: K): StepOf<K> | undefined {
  return steps.find((step): step is StepOf<K> => step.kind === kind);
}

/** True while somebody still has to look at what was done with a broken glass. */
export function needsReview(request: AccessRequest): boolean {
  return request.breakGlass && stepOf(request, 'reviewed') === undefined;
}

/** When the request stops to matter by itself: what is listed as open is open until then. Milliseconds since 1970. */
export function openUntil(request: AccessRequest): number {
  if (needsReview(request)) return Number.MAX_SAFE_INTEGER;
  if (request.steps.some(({ kind }) => kind in ENDS)) return 0;
  return Date.parse(grantOf(request)?.until ?? request.pendingUntil);
}
