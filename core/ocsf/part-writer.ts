import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { eventsKey, searchedKey } from '../recording/layout.ts';
import { timeOfId } from '../recording/session-id.ts';
import { eventLine } from './event.ts';
import type { EventStore } from './ports.ts';
import type { PlacedEvent } from './session-events.ts';

const compress = promisify(gzip);

/** What is held before it is put: so many steps, and about so many characters. Both are of the session alone, and of nobody's speed. */
const PART_STEPS = 5_000;
const PART_CHARACTERS = 32 << 20;

/** Collects lines into objects: of one part of a session's steps one for each class and day, and one of what is searched. */
export class PartWriter {
  readonly #store: EventStore;
  readonly #session: string;
  readonly #startDay: string;
  readonly #lines = new Map<string, string[]>();
  readonly #partSteps: number;
  #first: number;
  #last: number;
  #characters = 0;
  #events: number;

  /** `soFar`: the steps, and events, that earlier parts have. */
  constructor(
    store: EventStore,
    session: string,
    soFar: { readonly step: number; readonly events: number } | undefined,
    partSteps = PART_STEPS,
  ) {
    this.#partSteps = partSteps;
    this.#store = store;
    this.#session = session;
    this.#startDay = dayOf(timeOfId(session));
    this.#events = soFar?.events ?? 0;
    this.#first = soFar === undefined ? 0 : soFar.step + 1;
    this.#last = soFar?.step ?? 0;
  }

  get events(): number {
    return this.#events;
  }

  /** A part is whole, and the next step would begin another. */
  get isFull(): boolean {
    return this.#last - this.#first >= this.#partSteps - 1 || this.#characters >= PART_CHARACTERS;
  }

  add({ class: name, event, step }: PlacedEvent): void {
    this.#events += 1;
    this.#last = step;
    this.#line(eventsKey(name, dayOf(event.time), this.#session, this.#first), eventLine(event));
  }

  /** What is searched of the step whose event was added last. */
  addSearched(line: string): void {
    this.#line(searchedKey(this.#startDay, this.#session, this.#first), line);
  }

  async flush(): Promise<void> {
    for (const [key, lines] of this.#lines) await this.#store.put(key, await compress(lines.join('')));
    this.#lines.clear();
    this.#characters = 0;
    this.#first = this.#last + 1;
  }

  #line(key: string, line: string): void {
    this.#characters += line.length;
    const lines = this.#lines.get(key);
    if (lines === undefined) this.#lines.set(key, [line]);
    else lines.push(line);
  }
}

export function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}
