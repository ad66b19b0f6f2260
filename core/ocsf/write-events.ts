/** Writes a session's events into a store, in parts; whoever is interrupted goes on where the last whole part ends. */
import { isJsonObject, parseJson } from '../json.ts';
import { eventsMadeKey, eventsProgressKey, signatureName } from '../recording/layout.ts';
import type { Signer } from '../recording/ports.ts';
import { timeOfId } from '../recording/session-id.ts';
import { canonicalJson } from '../tasks/canonical-json.ts';
import type { Attestation } from './event.ts';
import { dayOf, PartWriter } from './part-writer.ts';
import type { EventStore } from './ports.ts';
import { type EventsSoFar, sessionEvents } from './session-events.ts';
import type { EventSession } from './session-parts.ts';
import type { EventStep } from './step-event.ts';
import type { StepShapeOf } from './step-shape.ts';

export interface EventsPorts {
  readonly store: EventStore;
  readonly signer: Pick<Signer, 'sign'>;
  /** False once it is time to stop: after the part that is being written. */
  readonly mayGoOn: () => boolean;
  /** Steps of one object; another number makes other objects. */
  readonly partSteps?: number;
}

/** How the steps of a session are read, and what they are. */
export interface EventSource {
  /** Those with a number above this one, in order, as far as they may be seen. */
  readonly stepsAfter: (number: number) => AsyncIterable<EventStep>;
  readonly shapeOf: StepShapeOf;
  /** One line of what is searched. */
  readonly searched: (step: EventStep) => string;
}

interface Progress extends EventsSoFar {
  readonly events: number;
}

/** What is signed at the end: the last fingerprint holds all before it. */
export interface EventsMade {
  readonly type: 'custody/events/1';
  readonly session: string;
  readonly open: string;
  readonly close: string;
  readonly steps: number;
  readonly events: number;
  readonly last: Attestation['prev_event'];
}

const PROGRESS_MAX = 4096;

/** Puts what is missing. `made` also where another has done it before. */
export async function writeEvents(
  session: EventSession,
  source: EventSource,
  { store, signer, mayGoOn, partSteps }: EventsPorts,
): Promise<'made' | 'unfinished'> {
  const { session: id } = session.open.value;
  const soFar = await progressOf(store, id);
  const writer = new PartWriter(store, id, soFar, partSteps);
  let previous = soFar?.previous;
  let step = soFar?.step ?? 0;
  const taken = tapped(source.stepsAfter(step));
  for await (const placed of sessionEvents(session, taken.steps, source.shapeOf, soFar)) {
    // Between two events of one step there is no end of a part.
    if (placed.step > step && writer.isFull && previous !== undefined) {
      await writer.flush();
      const progress: Progress = { step, previous, events: writer.events };
      await store.replace(eventsProgressKey(id), Buffer.from(canonicalJson(progress)));
      if (!mayGoOn()) return 'unfinished';
    }
    writer.add(placed);
    const { event } = placed;
    previous = {
      uid: event.metadata.uid,
      type_uid: event.type_uid,
      fingerprint: event.attestation.fingerprint,
    };
    const read = taken.last();
    if (read !== undefined && read.number === placed.step) {
      writer.addSearched(source.searched(read));
      step = placed.step;
    }
  }
  await writer.flush();
  await conclude(session, { steps: step, events: writer.events, last: previous }, { store, signer });
  return 'made';
}

/** The signature first: what is found without one was not finished. */
async function conclude(
  { open, close }: EventSession,
  counted: Pick<EventsMade, 'steps' | 'events' | 'last'>,
  { store, signer }: Pick<EventsPorts, 'store' | 'signer'>,
): Promise<void> {
  const { session } = open.value;
  const made: EventsMade = {
    ...{ type: 'custody/events/1', session, open: open.sha256, close: close.sha256 },
    ...counted,
  };
  const bytes = Buffer.from(`${canonicalJson(made)}\n`);
  const key = eventsMadeKey(dayOf(timeOfId(session)), session);
  await store.put(signatureName(key), await signer.sign(bytes));
  await store.put(key, bytes);
}

/** What somebody says of how far they came; anything else than that is none. */
async function progressOf(store: EventStore, session: string): Promise<Progress | undefined> {
  const bytes = await store.get(eventsProgressKey(session), PROGRESS_MAX);
  if (bytes === undefined) return undefined;
  const value = parseJson(Buffer.from(bytes).toString('utf8'));
  return isJsonObject(value) ? (value as unknown as Progress) : undefined;
}

function tapped(steps: AsyncIterable<EventStep>) {
  let last: EventStep | undefined;
  async function* all(): AsyncGenerator<EventStep> {
    for await (const step of steps) {
      last = step;
      yield step;
    }
  }
  return { steps: all(), last: () => last };
}
