import type { Person } from '../access/person.ts';
import type { OpenStatement } from '../recording/format.ts';
import type { SessionRecord } from '../recording/session-index.ts';
import type { StepFacts } from '../replay/facts.ts';

/** A sealed session as it can be found. */
export interface SearchedSession {
  readonly id: string;
  readonly protocol: string;
  readonly target: string;
  readonly principal: Person;
  /** Whose approvals its grant came of. */
  readonly approvedBy?: readonly Person[];
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  /** The close statement's; absent where there is none that holds. */
  readonly reason?: string;
  readonly run?: { readonly id: string; readonly workflow: string; readonly task: string };
  readonly device?: { readonly key: string; readonly name?: string };
}

export interface SearchedStep {
  /** From 1, as everywhere. */
  readonly step: number;
  /** Microseconds since the session's start. */
  readonly at: number;
  readonly facts: StepFacts;
}

/** By what its statements say. */
export function searchedSession(
  { session, startedAt, principal, target, task, device }: OpenStatement,
  reason: string | undefined,
): SearchedSession {
  const { issuer, subject, email, actors } = principal;
  return {
    id: session,
    protocol: target.protocol,
    target: target.name,
    principal: { issuer, subject, ...(email !== undefined && { email }), ...(actors && { actors }) },
    startedAt: Date.parse(startedAt),
    ...(reason !== undefined && { reason }),
    ...(task && { run: { id: task.run, workflow: task.workflow, task: task.name } }),
    ...deviceOf(device),
  };
}

/** By what the index of sessions has, with what only the open statement says. */
export function sessionOfRecord(
  { id, protocol, target, principal, approvedBy, startedAt, outcome, run }: SessionRecord,
  device?: OpenStatement['device'],
): SearchedSession {
  return {
    ...{ id, protocol, target, principal, startedAt: Date.parse(startedAt) },
    ...(approvedBy && { approvedBy }),
    ...(outcome && { reason: outcome.reason }),
    ...(run && { run }),
    ...deviceOf(device),
  };
}

function deviceOf(device: OpenStatement['device']): Pick<SearchedSession, 'device'> {
  if (device === undefined) return {};
  const { key, name } = device;
  return { device: name === undefined ? { key } : { key, name } };
}
