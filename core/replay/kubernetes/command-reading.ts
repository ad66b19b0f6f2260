import { parseJsonBytes } from '#core/json.ts';
import type { ResourceCall } from '#core/protocols/kubernetes/call.ts';
import { StreamDecoder, type StreamEvent } from '#core/protocols/kubernetes/streams/decoder.ts';
import { exitCodeOf } from '#core/protocols/kubernetes/streams/exit.ts';
import type { StreamForm } from '#core/protocols/kubernetes/streams/form.ts';
import { shown } from '../shown.ts';
import { Tally } from '../tally.ts';
import { PLAIN_SIZE } from '../terminal.ts';
import { TypedLines } from '../typed-lines.ts';
import type { ReadingContext } from './context.ts';
import { CopyReading, copyOf } from './copy-reading.ts';
import { DecodedStream } from './decoded-stream.ts';
import type { KubernetesStep, ShownProgram } from './step.ts';
import type { StreamReading } from './stream-reading.ts';
import type { Speaker } from './tape.ts';

/** A Status is short; what is longer says no more. */
const ERROR_MAX = 64 << 10;

type Data = Extract<StreamEvent, { kind: 'data' }>;

/** What ran in a container: exec, or what attach came to. */
export class CommandReading implements StreamReading {
  readonly #number: number;
  readonly #context: ReadingContext;
  readonly #call: ResourceCall;
  readonly #stream: DecodedStream;
  readonly #input: Tally;
  readonly #output: Tally;
  readonly #errors: Tally;
  readonly #copy: CopyReading | undefined;
  #lines: TypedLines | undefined;
  #size: ShownProgram['size'];
  #resized = 0;
  #commands = 0;
  #said: Uint8Array = new Uint8Array(0);

  constructor(call: ResourceCall, number: number, form: StreamForm, context: ReadingContext) {
    const { limits, left } = context;
    this.#call = call;
    this.#number = number;
    this.#context = context;
    this.#stream = new DecodedStream(new StreamDecoder(form), number);
    this.#input = new Tally(limits.sample);
    this.#output = new Tally(limits.sample);
    this.#errors = new Tally(limits.sample);
    const copies = copyOf(wordsOf(call));
    this.#copy = copies && new CopyReading(copies, number, limits);
    if (!isTerminal(call) || left.terminals === 0) return;
    left.terminals -= 1;
    this.#lines = new TypedLines(PLAIN_SIZE, limits);
  }

  take(from: Speaker, bytes: Uint8Array, at: number): KubernetesStep[] {
    const steps: KubernetesStep[] = [];
    for (const event of this.#stream.push(from, bytes, at))
      if (event.kind === 'damaged') steps.push(event);
      else if (event.kind === 'data') steps.push(...this.#data(event, at));
    return steps;
  }

  async settle(wholly: boolean): Promise<KubernetesStep[]> {
    const found = (await this.#lines?.settle(wholly)) ?? [];
    this.#commands += found.length;
    if (wholly) this.#dispose();
    return found.map((line) => ({ kind: 'command', channel: this.#number, ...line }));
  }

  end(at: number): ReturnType<StreamReading['end']> {
    const { text } = this.#context.limits;
    const exitCode = this.#said.length === 0 ? undefined : exitCodeOf(this.#said);
    const [input, output, errors] = [this.#input.shown(), this.#output.shown(), this.#errors.shown()];
    const container = this.#call.query.get('container');
    const steps = this.#copy?.end(at) ?? [];
    const program: ShownProgram = {
      ...(container !== null && { container }),
      ...(isTerminal(this.#call) && { tty: true }),
      ...(this.#size && { size: this.#size, resized: this.#resized - 1 }),
      ...(input && { input }),
      ...(output && { output }),
      ...(errors && { errors }),
      ...(exitCode !== undefined && { exitCode }),
      ...(this.#said.length > 0 && exitCode === undefined && { said: shown(this.#said, text) }),
      ...(this.#commands > 0 && { commands: this.#commands }),
      ...(this.#copy && this.#copy.files > 0 && { files: this.#copy.files }),
    };
    return { steps, fields: { program } };
  }

  #data({ channel, bytes }: Data, at: number): KubernetesStep[] {
    switch (channel) {
      case 'stdin':
        this.#lines?.take('input', bytes.slice(), at);
        this.#input.add(bytes);
        return this.#copy?.take('upload', bytes, at) ?? [];
      case 'stdout':
        this.#lines?.take('output', bytes.slice(), at);
        this.#output.add(bytes);
        return this.#copy?.take('download', bytes, at) ?? [];
      case 'stderr':
        this.#errors.add(bytes);
        return [];
      case 'error':
        if (this.#said.length + bytes.length <= ERROR_MAX) this.#said = Buffer.concat([this.#said, bytes]);
        return [];
      case 'resize':
        this.#resize(bytes);
        return [];
      default:
        return [];
    }
  }

  #resize(bytes: Uint8Array): void {
    for (const size of sizesIn(bytes)) {
      this.#resized += 1;
      this.#size ??= size;
      this.#lines?.resized(size);
    }
  }

  #dispose(): void {
    if (this.#lines === undefined) return;
    this.#lines.dispose();
    this.#lines = undefined;
    this.#context.left.terminals += 1;
  }
}

/** `{"Width":80,"Height":24}`, one a line (k8s.io/client-go/tools/remotecommand). */
export function sizesIn(bytes: Uint8Array): readonly { readonly columns: number; readonly rows: number }[] {
  const lines = Buffer.from(bytes).toString('utf8').split('\n');
  return lines.flatMap((line) => (line.trim() === '' ? [] : (sizeIn(line) ?? [])));
}

function sizeIn(line: string): { readonly columns: number; readonly rows: number } | undefined {
  try {
    const size = parseJsonBytes(Buffer.from(line), ERROR_MAX) as { Width?: unknown; Height?: unknown };
    const [columns, rows] = [Number(size.Width), Number(size.Height)];
    const isSize = [columns, rows].every((one) => Number.isInteger(one) && one >= 0 && one <= 0xffff);
    return isSize ? { columns, rows } : undefined;
  } catch {
    return undefined;
  }
}

export function wordsOf({ query }: ResourceCall): readonly string[] {
  return query.getAll('command');
}

/** As the API server reads a boolean of a query: `true`, `1`, or the name alone. */
export function isTerminal({ query }: ResourceCall): boolean {
  return isTrue(query.get('tty'));
}

export function isTrue(value: string | null): boolean {
  return value !== null && !['false', '0'].includes(value.toLowerCase());
}
