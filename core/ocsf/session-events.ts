/** A sealed session as OCSF events: FORMAT.md beside this file says what each has. */
import { classFields, type EventClass } from './classes.ts';
import { type Attestation, type BareEvent, EventChain, type OcsfEvent } from './event.ts';
import {
  closeSigned,
  type EventSession,
  metadataOf,
  openSigned,
  type SessionParts,
  sessionParts,
} from './session-parts.ts';
import { type EventStep, stepEvent } from './step-event.ts';
import type { StepShapeOf } from './step-shape.ts';

/** Which class an event is of stands with it: it is where the event is put. */
export interface PlacedEvent {
  readonly class: EventClass;
  readonly event: OcsfEvent;
  /** Of the step that it is of: 0 before the first, one more than the last at the end. */
  readonly step: number;
}

/** Where somebody stopped, and goes on. */
export interface EventsSoFar {
  /** The last step that has its event. */
  readonly step: number;
  readonly previous: NonNullable<Attestation['prev_event']>;
}

/**
 * The session's events in order: its opening, what it was allowed by, each step as exactly one, its end. The same session gives the same
 * events. `steps` are all, or those behind `soFar`. Memory is bounded by one step.
 */
export async function* sessionEvents(
  session: EventSession,
  steps: AsyncIterable<EventStep>,
  shapeOf: StepShapeOf,
  soFar?: EventsSoFar,
): AsyncGenerator<PlacedEvent, void, undefined> {
  const parts = sessionParts(session);
  const chain = new EventChain(parts.session, parts.signer, soFar?.previous);
  if (soFar === undefined) {
    yield { class: 'authentication', step: 0, event: chain.link(opened(parts), openSigned(session)) };
    yield { class: 'authorize_session', step: 0, event: chain.link(authorized(parts)) };
  }
  let last = soFar?.step ?? 0;
  for await (const step of steps) {
    const { name, event } = stepEvent(step, parts, shapeOf);
    yield { class: name, step: step.number, event: chain.link(event) };
    last = step.number;
  }
  const event = chain.link(closed(parts, session, last), closeSigned(session));
  yield { class: 'authentication', step: last + 1, event };
}

const SUCCESS = { status: 'Success', status_id: 1 } as const;
const INFORMATIONAL = { severity: 'Informational', severity_id: 1 } as const;
const LOW = { severity: 'Low', severity_id: 2 } as const;

/** What every event of the session's life has; `order` is its place among them. */
function common(parts: SessionParts, kind: string, order: number) {
  const { agent, user, actor, source, destination } = parts;
  return {
    metadata: metadataOf(parts, `${parts.session}:${kind}`, order, kind),
    ...(agent === undefined ? {} : { ai_agent: agent }),
    ...{ user, actor, src_endpoint: source, dst_endpoint: destination, session: actor.session },
  };
}

function opened(parts: SessionParts): BareEvent {
  return {
    ...classFields('authentication', 1),
    ...{ ...SUCCESS, ...INFORMATIONAL },
    time: parts.startedMs,
    ...common(parts, 'session-opened', 0),
    ...{ service: { name: parts.target }, is_remote: true },
    unmapped: parts.unmapped,
  };
}

function authorized(parts: SessionParts): BareEvent {
  return {
    ...classFields('authorize_session', 1),
    ...{ ...SUCCESS, ...INFORMATIONAL },
    time: parts.startedMs,
    ...common(parts, 'session-authorized', 1),
    privileges: ['connect'],
    unmapped: parts.unmapped,
  };
}

/** Reasons that are nobody's fault. */
const ORDINARY: readonly string[] = ['client-closed', 'target-closed', 'drained', 'expired'];

function closed(parts: SessionParts, { close }: EventSession, steps: number): BareEvent {
  const { endedAt, reason, recovered, segments, frames, bytes, last } = close.value;
  const endMs = Date.parse(endedAt);
  return {
    ...classFields('authentication', 2),
    ...{ ...SUCCESS, ...(ORDINARY.includes(reason) ? INFORMATIONAL : LOW) },
    ...{ status_code: reason, time: endMs, start_time: parts.startedMs, end_time: endMs },
    duration: Math.max(0, endMs - parts.startedMs),
    ...common(parts, 'session-closed', steps + 2),
    ...{ service: { name: parts.target }, is_remote: true },
    unmapped: {
      ...parts.unmapped,
      ...{ reason, recovered, steps, segments, frames, bytes, last_sha256: last, close_sha256: close.sha256 },
    },
  };
}
