import type { ResourceCall } from '#core/protocols/kubernetes/call.ts';
import { shownWords } from '../shown.ts';
import type { ReadingContext } from './context.ts';
import { diffBetween } from './diff-of.ts';
import { asObject, metadataOf, type ObjectValue, textOf } from './objects.ts';
import type { KubernetesStep, ShownDiff, ShownEvent, ShownWatch } from './step.ts';
import type { WithheldPart } from './tape.ts';
import { type WatchEvent, WatchFrames } from './watch-frames.ts';

/** Of an event that is read as an object. */
const EVENT_MAX = 4 << 20;

/** What a watch tells: a step for each change, the first of them, and counts of all. */
export class WatchReading {
  readonly #call: ResourceCall;
  readonly #number: number;
  readonly #context: ReadingContext;
  readonly #frames: WatchFrames;
  /** Of events that are withheld, which come as JSON. */
  readonly #shown = new WatchFrames(undefined, EVENT_MAX);
  readonly #counts = new Map<string, { type: string; kind: string; count: number }>();
  #events = 0;
  #told = 0;

  constructor(call: ResourceCall, number: number, type: string | undefined, context: ReadingContext) {
    this.#call = call;
    this.#number = number;
    this.#context = context;
    this.#frames = new WatchFrames(type, EVENT_MAX);
  }

  take(bytes: Uint8Array, at: number): KubernetesStep[] {
    return this.#steps(this.#frames.push(bytes), at);
  }

  withheld({ shown, more }: WithheldPart, at: number): KubernetesStep[] {
    if (shown === undefined) return [];
    return this.#steps(this.#shown.push(Buffer.from(more ? shown : `${shown}\n`)), at);
  }

  shown(): ShownWatch {
    const untold = this.#events - this.#told;
    return { events: this.#events, counts: [...this.#counts.values()], ...(untold > 0 && { untold }) };
  }

  #steps(events: Iterable<WatchEvent>, at: number): KubernetesStep[] {
    const steps: KubernetesStep[] = [];
    for (const event of events) steps.push(...this.#event(event, at));
    return steps;
  }

  #event({ type, object, bytes }: WatchEvent, at: number): KubernetesStep[] {
    this.#count(type, textOf(object?.['kind']) ?? '');
    const diff = this.#diff(type, object, bytes);
    if (type === 'BOOKMARK' || this.#told >= this.#context.limits.told) return [];
    this.#told += 1;
    const event = shownEvent(type, object, this.#context.limits.text);
    const isError = type === 'ERROR';
    return [
      {
        ...{ kind: 'event', at, took: 0, channel: this.#number, event },
        ...(isError && { outcome: 'failed' }),
        ...(diff && { diff }),
      },
    ];
  }

  /** What is known of objects goes on with what is told of them. */
  #diff(type: string, object: ObjectValue | undefined, bytes: number): ShownDiff | undefined {
    const { objects, limits } = this.#context;
    if (object === undefined) return undefined;
    const known = type === 'MODIFIED' ? objects.before(this.#call, object) : undefined;
    if (type === 'DELETED') objects.gone(this.#call, object);
    else if (type === 'ADDED' || type === 'MODIFIED') objects.saw(this.#call, object, this.#number, bytes);
    return known && diffBetween(known, object, limits);
  }

  #count(type: string, kind: string): void {
    this.#events += 1;
    const key = `${type} ${kind}`;
    const known = this.#counts.get(key);
    if (known !== undefined) known.count += 1;
    else if (this.#counts.size < this.#context.limits.list) this.#counts.set(key, { type, kind, count: 1 });
  }
}

/** Of a table for people, the object of its row. */
function shownEvent(type: string, object: ObjectValue | undefined, atMost: number): ShownEvent {
  const [row] = Array.isArray(object?.['rows']) ? object['rows'] : [];
  const about = asObject(asObject(row)?.['object']) ?? object;
  const { name, namespace } = metadataOf(about);
  const message = type === 'ERROR' ? textOf(object?.['message']) : undefined;
  return {
    type,
    kind: textOf(about?.['kind']) ?? '',
    ...(namespace !== undefined && { namespace }),
    ...(name !== undefined && { name }),
    ...(message !== undefined && { message: shownWords(message, atMost) }),
  };
}
