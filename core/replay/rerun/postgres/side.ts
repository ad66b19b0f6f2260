/** One side of a comparison: a session's frames become answers, each with the client's message that it answers. */

import type { Answer } from '../../postgres/answer.ts';
import type { Waiting } from '../../postgres/conversation.ts';
import type { Budget } from '../../postgres/memory.ts';
import { REPLAY_LIMITS, type ReplayLimits, type Step } from '../../postgres/step.ts';
import { SessionDecoder } from '../../postgres/steps.ts';
import type { Answering, Tap } from '../../postgres/tap.ts';
import type { Texts } from '../../postgres/texts.ts';
import type { CutValue } from '../../postgres/values.ts';
import { type Meaning, type Meanings, NOT_UNDERSTOOD } from './meaning.ts';
import { Rows, type RowsSummary } from './rows.ts';

/** Values are compared as far as this, and by their lengths. */
const VALUE_MAX = 16 << 20;
export const RERUN_LIMITS: ReplayLimits = {
  ...REPLAY_LIMITS,
  rows: 0,
  value: VALUE_MAX,
  message: 2 * VALUE_MAX,
};
const LINE_FEED = 10;
const LINE_MAX = 1 << 20;
const DESCRIBED_MAX = 500;

/** A step that is complete, and what it does not say. */
export interface Answered {
  /** Which of the client's messages, and which of its commands: the same on both sides. */
  readonly key: string;
  /** Of the step, from 1. */
  readonly number: number;
  readonly step: Step;
  readonly rows?: RowsSummary | undefined;
  /** Lines of COPY's data; of binary data all of it as one. */
  readonly copied?: RowsSummary | undefined;
  readonly meaning: Meaning;
  readonly columnFormat?: ((column: number) => number) | undefined;
  /** As the answer's values are read. */
  readonly texts?: Texts | undefined;
  /** The gateway said it in the server's place. */
  readonly isOfGateway: boolean;
  /** Once the server is ready behind it. */
  readonly status?: string | undefined;
  readonly settings: readonly (readonly [name: string, value: string])[];
}

type Told = {
  readonly step: Step;
  readonly more: Omit<Answered, 'key' | 'number' | 'step' | 'status' | 'settings'> & {
    readonly asked?: number;
    readonly isByTheWay?: true;
  };
};
type Event = Told | { readonly status: string } | { readonly setting: readonly [string, string] };

/** Steps that answer nothing that the client asked: others come and go at each run. */
const BY_THE_WAY: ReadonlySet<string> = new Set([
  'notification',
  'notice',
  'note',
  'cancel',
  'end',
  'damaged',
]);

interface Running {
  readonly answering: Answering;
  readonly rows: Rows;
  readonly meaning: Meaning;
  formatOf: ((column: number) => number) | undefined;
  copied: Rows | undefined;
  line: Uint8Array;
}

export class Side {
  readonly #decoder: SessionDecoder;
  readonly #budget: Budget;
  readonly #meanings: Meanings;
  readonly #answered: (answered: Answered) => void;
  readonly #events: Event[] = [];
  /** Steps that are certain and were not taken out of `#events` yet. */
  #certain = 0;
  #number = 0;
  #errors = 0;
  #running: Running | undefined;
  #ended: Running | undefined;
  #by: 'target' | 'gateway' = 'target';
  #held: Answered | undefined;
  #settings: (readonly [string, string])[] = [];
  /** Columns of the last texts, as they were described. */
  readonly #described = new Map<string, NonNullable<Step['columns']>>();

  constructor(meanings: Meanings, budget: Budget, answered: (answered: Answered) => void) {
    this.#meanings = meanings;
    this.#budget = budget;
    this.#answered = answered;
    this.#decoder = new SessionDecoder(RERUN_LIMITS, this.#tap());
  }

  get isLoggedIn(): boolean {
    return this.#decoder.isLoggedIn;
  }

  get waiting(): Waiting {
    return this.#decoder.waiting;
  }

  /** Steps so far. */
  get steps(): number {
    return this.#number;
  }

  /** `message`: the last that the client sent, in place of the time. */
  take(stream: 'client' | 'target' | 'gateway' | 'note', payload: Uint8Array, message: number): void {
    this.#certain += this.#decoder.take({ stream, payload, timeUs: message, withheld: false }).length;
    this.#settle();
  }

  finish(): void {
    this.#certain += this.#decoder.finish(undefined).length;
    this.#settle();
    this.#release();
  }

  #settle(): void {
    for (let event = this.#events[0]; event !== undefined; event = this.#events[0]) {
      if ('step' in event) {
        if (this.#certain === 0) return;
        this.#certain--;
        this.#told(event);
      } else if ('status' in event) this.#ready(event.status);
      else this.#settings.push(event.setting);
      this.#events.shift();
    }
  }

  #told({ step, more }: Told): void {
    this.#number++;
    const { asked, isByTheWay, ...rest } = more;
    if (isByTheWay || BY_THE_WAY.has(step.kind)) return;
    this.#release();
    this.#held = { ...rest, step, number: this.#number, key: this.#keyOf(step, asked), settings: [] };
    if (step.kind === 'login') this.#release();
  }

  #keyOf(step: Step, asked: number | undefined): string {
    if (step.kind === 'login') return 'login';
    if (asked !== undefined) return `${asked}.${step.part ?? 1}`;
    if (step.kind !== 'error') return `${step.at}.1`;
    return step.took === 0 ? `error ${++this.#errors}` : `${step.at - step.took}.1`;
  }

  #ready(status: string): void {
    if (this.#held !== undefined) this.#held = { ...this.#held, status };
    this.#release();
  }

  /** What belongs to it has been said. */
  #release(): void {
    if (this.#held === undefined) return;
    const answered = { ...this.#held, settings: this.#settings };
    this.#settings = [];
    this.#held = undefined;
    this.#answered(answered);
  }

  #tap(): Tap {
    return {
      said: (by) => (this.#by = by),
      answers: (answering) => this.#begin(answering),
      row: (values, formatOf) => this.#row(values, formatOf),
      copied: (by, bytes) => by === 'server' && this.#copied(bytes),
      copyEnds: () => undefined,
      copyRun: undefined,
      copyBegins: () => this.#copyBegins(),
      ready: (status) => this.#events.push({ status }),
      setting: (name, value) => this.#events.push({ setting: [latin1(name), latin1(value)] }),
      ending: () => {
        this.#ended = this.#running;
        this.#running = undefined;
      },
      transaction: () => undefined,
      step: (step) => this.#step(step),
    };
  }

  #begin(answering: Answering): void {
    const { statement, part, texts } = answering;
    const text = statement.text === undefined ? undefined : texts.words(statement.text).text;
    const meaning = text === undefined ? NOT_UNDERSTOOD : this.#meanings.of(text, part);
    const known: (boolean | undefined)[] = [];
    const isLeftOut = (column: number): boolean =>
      (known[column] ??= meaning.because(column, nameOf(answering.answer, column, texts)) !== undefined);
    const rows = new Rows(this.#budget, isLeftOut);
    this.#running = {
      answering,
      rows,
      meaning,
      formatOf: undefined,
      copied: undefined,
      line: new Uint8Array(0),
    };
  }

  #row(values: readonly (CutValue | null)[], formatOf: (column: number) => number): void {
    if (this.#running === undefined) return;
    this.#running.formatOf = formatOf;
    this.#running.rows.add(values.map(bytesOf), values.map(lengthOf));
  }

  #copyBegins(): void {
    if (this.#running !== undefined) this.#running.copied = new Rows(this.#budget, () => false);
  }

  /** A line is as long as it comes, where its end is not to be seen. */
  #copied(bytes: Uint8Array): void {
    const running = this.#running;
    if (running?.copied === undefined) return;
    let rest: Uint8Array = running.line.length === 0 ? bytes : Buffer.concat([running.line, bytes]);
    for (let end = rest.indexOf(LINE_FEED); end !== -1; end = rest.indexOf(LINE_FEED)) {
      running.copied.add([rest.subarray(0, end)], [end]);
      rest = rest.subarray(end + 1);
    }
    if (rest.length > LINE_MAX) {
      running.copied.add([rest], [rest.length]);
      rest = new Uint8Array(0);
    }
    running.line = Uint8Array.from(rest);
  }

  #step(step: Step): void {
    const isOfGateway = this.#by === 'gateway';
    // Data that no COPY took: it is said before the answer that comes next.
    if (step.outcome === 'skipped' && step.statement === undefined && step.copy !== undefined) {
      this.#events.push({ step, more: { meaning: NOT_UNDERSTOOD, isOfGateway, isByTheWay: true } });
      return;
    }
    const ended = step.outcome === undefined || step.kind === 'prepare' ? undefined : this.#ended;
    if (ended === undefined) {
      this.#events.push({ step, more: { meaning: NOT_UNDERSTOOD, isOfGateway } });
      return;
    }
    this.#ended = undefined;
    const { answering, rows, copied, line, meaning, formatOf } = ended;
    if (line.length > 0) copied?.add([line], [line.length]);
    const more = {
      meaning,
      columnFormat: formatOf,
      texts: answering.texts,
      isOfGateway,
      asked: answering.statement.at,
    };
    const summary = rows.end();
    const known = this.#withColumns(step, summary.kept[0]?.length);
    this.#events.push({ step: known, more: { ...more, rows: summary, copied: copied?.end() } });
  }

  /** Drivers such as pgjdbc ask what a statement gives once, and run it often: its columns are those of the time before. */
  #withColumns(step: Step, width: number | undefined): Step {
    const text = step.statement?.text;
    if (text === undefined) return step;
    if (step.columns !== undefined) {
      if (this.#described.size >= DESCRIBED_MAX) this.#described.delete(this.#described.keys().next().value!);
      this.#described.set(text, step.columns);
      return step;
    }
    const columns = this.#described.get(text);
    return columns?.length === width && columns !== undefined ? { ...step, columns } : step;
  }
}

function bytesOf(value: CutValue | null): Uint8Array | null {
  return value === null ? null : value.bytes;
}

function lengthOf(value: CutValue | null): number {
  return value === null ? 0 : value.length;
}

function latin1({ bytes }: CutValue): string {
  return Buffer.from(bytes).toString('latin1');
}

function nameOf(answer: Answer, column: number, texts: Texts): string {
  const name = answer.described?.[column]?.name;
  return name === undefined ? '' : texts.words(name).text;
}
