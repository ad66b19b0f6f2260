import type { Contract } from '../contract.ts';
import type { Deviation } from '../deviation.ts';
import type { RunDigests } from '../digests.ts';
import { COLUMN_VALUES_MAX, VALUES_MAX } from '../output-digests.ts';
import type { DeclaredOutput } from '../schema.ts';
import type { SeenAnswer, SeenCommand } from '../seen.ts';
import type { TakeRow } from '../shapes.ts';
import type { OutputDigests } from '../store.ts';
import { type AnswerRows, RowsOutput, StreamOutput } from './outputs.ts';
import type { ResultOutput } from './result.ts';
import type { TakeBack } from './undo-log.ts';

const MOST = { ofColumn: COLUMN_VALUES_MAX, ofAll: VALUES_MAX };

/** What one answer had of outputs, until it is known whether it counts. */
interface Pending {
  readonly rows: Map<RowsOutput, AnswerRows>;
  first: Uint8Array;
}

/** The outputs of an execution of a task: what of its answers they are, as they pass. */
export class TaskOutputs {
  readonly #contract: Contract;
  readonly #digests: RunDigests;
  readonly #taken: readonly string[];
  readonly #most: typeof MOST;
  readonly #rows = new Map<string, RowsOutput>();
  readonly #streams = new Map<string, StreamOutput>();
  /** By the command as it was seen. */
  readonly #pending = new Map<SeenCommand, Pending>();

  /** `taken`: the columns, as `output.column`, that other tasks take values from; `most`: different values, of one and of all of them. */
  constructor(contract: Contract, digests: RunDigests, taken: ReadonlySet<string>, most = MOST) {
    this.#contract = contract;
    this.#most = most;
    this.#digests = digests;
    this.#taken = [...taken].toSorted();
    for (const [name, output] of this.#declared()) {
      if (output.columns === undefined) this.#streams.set(name, new StreamOutput(name, output));
      else this.#rows.set(name, new RowsOutput(name, { ...output, columns: output.columns }));
    }
  }

  /** As of `TakeParts`. Whichever command of its shape it will be. */
  rows(command: SeenCommand, columns: readonly string[]): TakeRow | undefined {
    const wanted = this.#rowsOf(this.#namesOf(command));
    if (wanted.length === 0) return undefined;
    const { rows } = this.#of(command);
    for (const output of wanted) rows.set(output, output.answer(this.#digests, columns));
    return (row, isWhole) => {
      for (const answer of rows.values()) answer.take(row, isWhole);
    };
  }

  bytes(command: SeenCommand, first: Uint8Array): void {
    if (this.#streamsOf(this.#namesOf(command)).length > 0) this.#of(command).first = first;
  }

  /** The answer counts as one of this command of the contract. Returns how it is taken back. */
  count(command: SeenCommand, at: number, { streams }: SeenAnswer): TakeBack[] {
    const pending = this.#pending.get(command);
    const names = new Set([this.#contract.commands[at]!.declared.name]);
    const ofRows = this.#rowsOf(names).flatMap((output) => {
      const answer = pending?.rows.get(output);
      return answer === undefined ? [] : [output.add(answer)];
    });
    const ofStreams = this.#streamsOf(names).flatMap(([output, kind]) => {
      const seen = streams?.[kind];
      return seen === undefined ? [] : [output.add(seen, pending?.first ?? new Uint8Array(0))];
    });
    return [...ofRows, ...ofStreams];
  }

  /** What it had counts for nothing, unless it was counted. */
  over(command: SeenCommand): void {
    this.#pending.delete(command);
  }

  /** What is not there, or not whole, or more than later tasks can take values from. */
  missing(): readonly Deviation[] {
    const owed = [...this.#declared()].flatMap(([name, { of }]) => {
      const { isThere, fault } = this.#output(name);
      const isOwed = this.#contract.commands.some(
        ({ declared }) => declared.name === of && declared.times.min > 0,
      );
      const seen = fault ?? (isThere || !isOwed ? undefined : 'it is not there');
      return seen === undefined ? [] : [missing(name, of, seen)];
    });
    return [...owed, ...this.#tooMany()];
  }

  /** Nothing could be taken from them, and later tasks would hear no reason. */
  #tooMany(): readonly Deviation[] {
    const { columns } = this.digests();
    return this.#takenThere().flatMap(({ origin, output, column }) =>
      columns.has(origin)
        ? []
        : [missing(output, this.#contract.declared.outputs[output]!.of, `${TOO_MANY} in ${column}`)],
    );
  }

  results(): readonly ResultOutput[] {
    return [...this.#declared()].flatMap(([name]) => {
      const output = this.#output(name);
      return output.isThere ? [output.result()] : [];
    });
  }

  /** What later tasks take: as much of it as is kept. */
  digests(): OutputDigests {
    let left = this.#most.ofAll;
    const columns = this.#takenThere().flatMap(({ origin, output, column }) => {
      const values = this.#rows.get(output)!.values(column, Math.min(this.#most.ofColumn, left));
      left -= values?.size ?? 0;
      return values === undefined ? [] : [[origin, values] as const];
    });
    const streams = [...this.#streams.values()].flatMap((output) => (output.isThere ? [output.bytes] : []));
    return { columns: new Map(columns), streams: new Map(streams) };
  }

  /** `output.column` with its parts: in the order of their names, so that everybody keeps the same. */
  #takenThere(): { readonly origin: string; readonly output: string; readonly column: string }[] {
    return this.#taken.flatMap((origin) => {
      const dot = origin.indexOf('.');
      const [output, column] = [origin.slice(0, dot), origin.slice(dot + 1)];
      return this.#rows.get(output)?.isThere === true ? [{ origin, output, column }] : [];
    });
  }

  #output(name: string): RowsOutput | StreamOutput {
    return this.#rows.get(name) ?? this.#streams.get(name)!;
  }

  #declared(): [string, DeclaredOutput][] {
    return Object.entries(this.#contract.declared.outputs);
  }

  /** The names of the commands of its shape. */
  #namesOf({ shape }: SeenCommand): ReadonlySet<string> {
    const { byShape, commands } = this.#contract;
    return new Set((byShape.get(shape) ?? []).map((at) => commands[at]!.declared.name));
  }

  #rowsOf(commands: ReadonlySet<string>): RowsOutput[] {
    return this.#declared().flatMap(([name, { of }]) => {
      const output = commands.has(of) ? this.#rows.get(name) : undefined;
      return output === undefined ? [] : [output];
    });
  }

  #streamsOf(
    commands: ReadonlySet<string>,
  ): (readonly [StreamOutput, NonNullable<DeclaredOutput['stream']>])[] {
    return this.#declared().flatMap(([name, { of, stream }]) => {
      const output = commands.has(of) ? this.#streams.get(name) : undefined;
      return output === undefined || stream === undefined ? [] : [[output, stream] as const];
    });
  }

  #of(command: SeenCommand): Pending {
    const pending = this.#pending.get(command) ?? { rows: new Map(), first: new Uint8Array(0) };
    this.#pending.set(command, pending);
    return pending;
  }
}

const TOO_MANY = `it has more different values than later tasks can take from (${COLUMN_VALUES_MAX} of a column, ${VALUES_MAX} of a task)`;

function missing(output: string, of: string, seen: string): Deviation {
  return { kind: 'missing', command: of, expected: `the output ${output} of ${of}`, seen };
}
