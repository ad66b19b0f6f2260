import type { Person } from '../access/person.ts';
import type { OpenStatement } from '../recording/format.ts';
import type { StepFacts } from '../replay/facts.ts';

/** A sealed session as it can be found. */
export interface SearchedSession {
  readonly id: string;
  readonly protocol: string;
  readonly target: string;
  readonly principal: Person;
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
    ...(device && {
      device: { key: device.key, ...(device.name !== undefined && { name: device.name }) },
    }),
  };
}
