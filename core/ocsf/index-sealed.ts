/** Makes what is looked into of a sealed session: the index of its steps, and its events. */
import type { Person } from '../access/person.ts';
import { CustodyError } from '../errors.ts';
import { eventsMadeKey, sessionPrefix } from '../recording/layout.ts';
import type { RecordingSink, RecordingSource, Signer } from '../recording/ports.ts';
import { timeOfId } from '../recording/session-id.ts';
import type { FactsOf } from '../replay/facts.ts';
import { indexSession, openSessionSteps } from '../replay/index/index-session.ts';
import { LOAD_FACTS } from '../replay/load-facts.ts';
import type { ReadStep } from '../replay/reader.ts';
import { READERS } from '../replay/readers.ts';
import { openSealed } from '../tasks/sealed-session.ts';
import { STEP_SHAPES } from './load-shapes.ts';
import { dayOf } from './part-writer.ts';
import type { EventStore } from './ports.ts';
import { searchedLine } from './searched-line.ts';
import type { Seen, SeenOf } from './seen.ts';
import type { EventSession } from './session-parts.ts';
import type { EventStep } from './step-event.ts';
import { type EventsPorts, writeEvents } from './write-events.ts';

export interface IndexerPorts extends Omit<EventsPorts, 'store'> {
  readonly store: RecordingSource & RecordingSink;
  readonly events: EventStore;
  readonly signer: Signer;
  readonly seenOf: SeenOf;
  /** Who approved what the session rests on. */
  readonly approvedBy: (session: string) => Promise<readonly Person[]>;
}

/** `unsealed`: it has no end yet. `unfinished`: it was time to stop, and the next look goes on. */
export type Indexed = 'made' | 'current' | 'unsealed' | 'unfinished';

/**
 * It may be run twice at once, and be killed at any time: names and bytes are the same each time. Rejects with `state-damaged` where the
 * evidence does not verify: nothing is told of such a session, and somebody has to look.
 */
export async function indexSealed(session: string, ports: IndexerPorts): Promise<Indexed> {
  const day = dayOf(timeOfId(session));
  if (await isMade(session, day, ports.events)) return 'current';
  const indexing = await indexSession(session, ports);
  if (indexing.state === 'unsealed') return 'unsealed';
  if (indexing.state === 'unreadable')
    return writeEvents(await sealed(session, ports), NOTHING, written(ports));
  const { verdict, findings } = indexing.about;
  if (verdict !== 'verified') throw damaged(session, findings[0]?.message);
  const known = await sealed(session, ports);
  return writeEvents(known, await sourceOf(known, ports), written(ports));
}

async function isMade(session: string, day: string, events: EventStore): Promise<boolean> {
  return (await events.get(eventsMadeKey(day, session), MADE_MAX)) !== undefined;
}

const MADE_MAX = 4096;

async function sealed(session: string, { store, signer }: IndexerPorts): Promise<EventSession> {
  const names = await store.list(sessionPrefix(session));
  const { open, close } = await openSealed(session, names, store, await signer.publicKey());
  return { open, close };
}

function written({ events, store: _evidence, ...ports }: IndexerPorts): EventsPorts {
  return { ...ports, store: events };
}

/** Of a protocol whose steps cannot be told: that there was a session can. */
const NOTHING = {
  async *stepsAfter(): AsyncGenerator<EventStep> {},
  shapeOf: () => {
    throw new CustodyError('internal', 'there is no step');
  },
  searched: () => '',
};

async function sourceOf(known: EventSession, { store, signer, seenOf, approvedBy }: IndexerPorts) {
  const { session, target } = known.open.value;
  const [reader, shapeOf] = [READERS.get(target.protocol)!, STEP_SHAPES.get(target.protocol)!];
  const facts = await LOAD_FACTS.get(target.protocol)!();
  const seen = await seenOf(target.protocol, target.name);
  const approvers = await approvedBy(session);
  const found = await openSessionSteps(session, store, await signer.publicKey());
  if (found.index === undefined) throw damaged(session, found.why);
  const { index } = found;
  async function* stepsAfter(number: number): AsyncGenerator<EventStep> {
    for await (const { number: at, json } of index.all(number))
      yield seenStep(at, reader.ofJson(json), seen, facts);
  }
  return {
    stepsAfter,
    shapeOf,
    searched: (step: EventStep) => searchedLine(known, step, seen.rules, approvers),
  };
}

function seenStep(number: number, whole: ReadStep, seen: Seen, facts: FactsOf): EventStep {
  const read = seen.step(whole);
  return { number, read, facts: facts(read) };
}

function damaged(session: string, why = 'its index is not there'): CustodyError {
  return new CustodyError('state-damaged', `the evidence of session ${session} does not verify`, {
    hint: `look into it: custody verify ${session}`,
    detail: why,
  });
}
