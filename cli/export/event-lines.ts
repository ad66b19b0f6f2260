import { CustodyError } from '#core/errors.ts';
import { eventLine } from '#core/ocsf/event.ts';
import { STEP_SHAPES } from '#core/ocsf/load-shapes.ts';
import { sessionEvents } from '#core/ocsf/session-events.ts';
import type { EventSession } from '#core/ocsf/session-parts.ts';
import type { EventStep } from '#core/ocsf/step-event.ts';
import { LOAD_FACTS } from '#core/replay/load-facts.ts';
import { escapeJson } from '#core/replay/text.ts';
import type { EvidenceReading } from '../play/evidence-reading.ts';
import type { EvidenceReference } from './reference.ts';

/** A session's events while it is verified. Where it no longer holds they end, without the event of the session's end. */
export async function* eventLines(
  evidence: EvidenceReading,
  reference: EvidenceReference,
): AsyncGenerator<string, void, undefined> {
  const session = sealedOf(evidence, reference);
  const shapeOf = STEP_SHAPES.get(session.open.value.target.protocol)!;
  for await (const { event } of sessionEvents(session, eventSteps(evidence), shapeOf)) {
    const isEnd = event.metadata['event_code'] === 'session-closed';
    if (!isEnd || evidence.reading.fault === undefined) yield `${escapeJson(eventLine(event).trimEnd())}\n`;
  }
}

/** Of the extent that the index has, so that events are the same wherever they are made. */
async function* eventSteps({ reader, reading, opening }: EvidenceReading): AsyncGenerator<EventStep> {
  const facts = await LOAD_FACTS.get(opening.open!.target.protocol)!();
  let number = 0;
  for await (const read of reader.steps(reading.frames(), 'page', () => ({
    reason: opening.close?.reason,
  }))) {
    if (read.step.kind === 'end' && reading.fault !== undefined) continue;
    yield { number: (number += 1), read, facts: facts(read) };
  }
}

function sealedOf(
  { opening: { open, close, fault } }: EvidenceReading,
  sha256: EvidenceReference,
): EventSession {
  if (open === undefined || close === undefined || sha256.close === undefined || fault !== undefined)
    throw new CustodyError('precondition-failed', 'the session goes on, or its statements do not hold', {
      hint: 'events are made once it has ended: custody verify says what is missing',
    });
  return { open: { value: open, sha256: sha256.open }, close: { value: close, sha256: sha256.close } };
}
