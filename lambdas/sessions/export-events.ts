/** A page of a session as OCSF events, of what every reader may see of it: `core/ocsf` says what each has. */
import { CustodyError } from '#core/errors.ts';
import { eventLine, previousEvent } from '#core/ocsf/event.ts';
import { STEP_SHAPES } from '#core/ocsf/load-shapes.ts';
import { type Seen, seenBy } from '#core/ocsf/seen.ts';
import { type EventsSoFar, type PlacedEvent, sessionEvents } from '#core/ocsf/session-events.ts';
import type { EventStep } from '#core/ocsf/step-event.ts';
import { sessionPrefix } from '#core/recording/layout.ts';
import type { RecordingSource } from '#core/recording/ports.ts';
import type { SessionRecord } from '#core/recording/session-index.ts';
import { LOAD_FACTS } from '#core/replay/load-facts.ts';
import type { JsonStep } from '#core/replay/reader.ts';
import { READERS } from '#core/replay/readers.ts';
import { openSealed } from '#core/tasks/sealed-session.ts';
import type { Asking } from '../asking.ts';

/** Where the page before ended: the type of its last event, and that event's fingerprint. */
export const AFTER = /^(?<type>\d{1,9})-(?<hash>[0-9a-f]{64})$/;

/** A page of steps as `stepsPage` has it. */
interface StepsPage {
  readonly verdict: string;
  readonly steps: readonly (JsonStep & { readonly number: number; readonly marks: readonly string[] })[];
  readonly next?: number | undefined;
}

interface Ports {
  readonly source: RecordingSource;
  readonly signer: () => Promise<Uint8Array>;
}

/** `after` is of the event of step `cursor`, and the chain goes on from it. */
export async function eventsPage(
  session: SessionRecord,
  page: StepsPage,
  { cursor, after }: { readonly cursor: number; readonly after: string | undefined },
  asking: Asking,
  { source, signer }: Ports,
): Promise<{ readonly lines: string; readonly after: string }> {
  if (session.state === 'open' || page.verdict === 'failed') throw noEvents(session);
  const names = await source.list(sessionPrefix(session.id));
  const sealed = await openSealed(session.id, names, source, await signer());
  const seen = await seenBy(asking.policy)(session.protocol, session.target);
  const steps = eventSteps(session.protocol, page, seen);
  const soFar = cursor === 0 ? undefined : soFarOf(session.id, cursor, after!);
  const last = page.next === undefined ? Infinity : (page.steps.at(-1)?.number ?? cursor);
  let lines = '';
  let before: PlacedEvent | undefined;
  for await (const placed of sessionEvents(sealed, steps, STEP_SHAPES.get(session.protocol)!, soFar)) {
    if (placed.step > last) break;
    lines += eventLine(placed.event);
    before = placed;
  }
  return { lines, after: before === undefined ? after! : afterOf(before) };
}

async function* eventSteps(protocol: string, { steps }: StepsPage, seen: Seen): AsyncGenerator<EventStep> {
  const [reader, facts] = [READERS.get(protocol)!, await LOAD_FACTS.get(protocol)!()];
  for (const { number, marks: _marks, ...json } of steps) {
    const read = seen.step(reader.ofJson(json));
    yield { number, read, facts: facts(read) };
  }
}

function afterOf({ event: { type_uid, attestation } }: PlacedEvent): string {
  return `${type_uid}-${attestation.fingerprint.value}`;
}

function soFarOf(session: string, step: number, after: string): EventsSoFar {
  const { type, hash } = AFTER.exec(after)!.groups!;
  return { step, previous: previousEvent(`${session}:${step}`, Number(type), hash!) };
}

function noEvents({ id, state }: SessionRecord): CustodyError {
  return state === 'open'
    ? new CustodyError('precondition-failed', 'the session goes on: events are made once it has ended', {
        hint: `follow it: custody watch ${id}`,
      })
    : new CustodyError('state-damaged', `the evidence of session ${id} does not verify`, {
        hint: `look into it: custody verify ${id}`,
      });
}
