import type { StepFacts } from '../replay/facts.ts';
import type { ReadStep } from '../replay/reader.ts';
import { boundedList, boundedText } from './bounds.ts';
import { classFields, type EventClass } from './classes.ts';
import { deviationOf } from './deviation.ts';
import type { BareEvent } from './event.ts';
import { metadataOf, type SessionParts } from './session-parts.ts';
import type { StepShapeOf } from './step-shape.ts';

/** A step with its number and its facts, both of what may be seen of it. */
export interface EventStep {
  /** From 1. */
  readonly number: number;
  readonly read: ReadStep;
  readonly facts: StepFacts;
}

/** The one event of a step. */
export function stepEvent(
  { number, read, facts }: EventStep,
  parts: SessionParts,
  shapeOf: StepShapeOf,
): { readonly name: EventClass; readonly event: BareEvent } {
  const uid = `${parts.session}:${number}`;
  const bounded = boundedFacts(facts);
  const place = { uid, session: parts.session, target: parts.target };
  const shape = deviationOf(read, uid, parts) ?? shapeOf(read, bounded.facts, place);
  const { kind, at, took } = read.step;
  const duration = Math.round(took / 1000);
  const event = {
    ...classFields(shape.class, shape.activity),
    ...(shape.class === 'detection_finding' ? NEW : statusOf(read, facts)),
    ...severityOf(read, facts, shape.class),
    time: parts.startedMs + Math.floor(at / 1000),
    duration,
    metadata: metadataOf(parts, uid, number + 1, kind, shape.class !== 'detection_finding'),
    ...sharedBy(shape.class, parts),
    ...shape.fields,
    unmapped: { ...parts.unmapped, ...factsOf(number, read, bounded) },
  };
  return { name: shape.class, event };
}

/** Attributes that the class has; the schema lets no event have others. */
function sharedBy(name: EventClass, { actor, agent, source, destination, device, user }: SessionParts) {
  const acting = { actor, ...(agent === undefined ? {} : { ai_agent: agent }) };
  const ends = { src_endpoint: source, dst_endpoint: destination };
  switch (name) {
    case 'file_activity':
    case 'process_activity':
      return { ...acting, device };
    case 'ssh_activity':
    case 'api_activity':
    case 'datastore_activity':
      return { ...acting, ...ends };
    case 'tunnel_activity':
      return { ...acting, ...ends, user };
    case 'authentication':
    case 'authorize_session':
      return { ...acting, ...ends, user, session: actor.session };
    case 'detection_finding':
      return { actor };
  }
}

/** A finding's status is of those who look into it. */
const NEW = { status: 'New', status_id: 1 } as const;

function statusOf({ step: { outcome } }: ReadStep, { isError, codes, messages: [message] }: StepFacts) {
  const [code] = codes;
  return {
    ...(isError ? { status: 'Failure', status_id: 2 } : { status: 'Success', status_id: 1 }),
    ...(code === undefined ? {} : { status_code: code }),
    ...(outcome === undefined ? {} : { status_detail: outcome }),
    ...(isError && message !== undefined ? { message: boundedText(message).kept } : {}),
  };
}

const [INFORMATIONAL, LOW, MEDIUM, HIGH] = [
  { severity: 'Informational', severity_id: 1 },
  { severity: 'Low', severity_id: 2 },
  { severity: 'Medium', severity_id: 3 },
  { severity: 'High', severity_id: 4 },
] as const;

/** What the target refuses is everyday; what the gateway refused, or a contract does not have, is looked at. */
function severityOf({ step: { kind, outcome } }: ReadStep, { isError }: StepFacts, name: EventClass) {
  if (name === 'detection_finding' || kind === 'damaged') return HIGH;
  if (outcome === 'denied') return MEDIUM;
  return isError ? LOW : INFORMATIONAL;
}

interface BoundedFacts {
  readonly facts: StepFacts;
  /** Names of what is not all there. */
  readonly cut: readonly string[];
}

function boundedFacts(facts: StepFacts): BoundedFacts {
  const text = facts.text === undefined ? undefined : boundedText(facts.text);
  const values = boundedList(facts.values, (value) => value.length);
  const relations = boundedList(facts.relations, ({ name }) => name.length);
  const files = boundedList(facts.files, ({ path }) => path.length);
  const codes = boundedList(facts.codes, (code) => code.length);
  const cut = Object.entries({ text, values, relations, files, codes });
  return {
    facts: {
      ...facts,
      ...(text === undefined ? {} : { text: text.kept }),
      ...{ values: values.kept, relations: relations.kept, files: files.kept, codes: codes.kept },
    },
    cut: cut.filter(([, bounded]) => bounded?.isCut).map(([name]) => name),
  };
}

function factsOf(number: number, { step }: ReadStep, { facts, cut }: BoundedFacts) {
  const { isError, isWrite, text, runs, shape, relations, functions, files, values, codes, rows, bytes } =
    facts;
  return {
    ...{ step: number, kind: step.kind, at_us: step.at, took_us: step.took },
    ...{ is_error: isError, is_write: isWrite },
    ...(text === undefined ? {} : { text }),
    ...(shape === undefined ? {} : { shape }),
    ...(runs === undefined ? {} : { runs: boundedText(runs.text).kept }),
    ...{ relations, functions: boundedList(functions, (name) => name.length).kept, files, values, codes },
    ...{
      rows_out: rows.out,
      rows_written: rows.written,
      bytes_sent: bytes.sent,
      bytes_received: bytes.received,
    },
    ...(step.note === undefined ? {} : { note: JSON.stringify(step.note) }),
    ...(cut.length === 0 ? {} : { cut }),
  };
}
