import { shown } from '../shown.ts';
import type { Range } from '../tally.ts';
import { type TypedLine, TypedLines } from '../typed-lines.ts';
import type { ChannelProgram, ChannelReader, ChannelReaderFor, Direction } from './channel-reader.ts';
import type { ChannelSteps, DataEvent, Refusal, ToldEvent } from './channel-steps.ts';
import { outcomeOf } from './forward-steps.ts';
import { ProgramFacts } from './program-facts.ts';
import type { SshOutcome, SshReplayLimits, SshStep } from './step.ts';
import type { ChannelTapeRequest, Note, TapeChannel } from './tape-events.ts';
import type { RequestDetail } from './tape-requests.ts';

/** Of a command, for whoever reads what it says. */
const COMMAND_MAX = 256 << 10;

interface Started {
  readonly request: ChannelTapeRequest;
  readonly start: 'shell' | 'exec' | 'subsystem';
  readonly what: Uint8Array;
  readonly at: number;
}

/** How many terminals more may be looked at. */
export interface Screens {
  left: number;
}

/** A session channel: what ran on it. Its own step comes once it is over; those of its reader before. */
export class SessionSteps implements ChannelSteps {
  readonly channel: TapeChannel;
  readonly #limits: SshReplayLimits;
  readonly #readerFor: ChannelReaderFor;
  #facts: ProgramFacts;
  #started: Started | undefined;
  #runs: ChannelProgram | undefined;
  /** Null: what runs has none. */
  #reader: ChannelReader | null | undefined;
  #lines: TypedLines | undefined;
  readonly #screens: Screens;
  #endedByGateway = false;
  #forced: Note | undefined;

  constructor(channel: TapeChannel, limits: SshReplayLimits, readerFor: ChannelReaderFor, screens: Screens) {
    this.#screens = screens;
    this.channel = channel;
    this.#limits = limits;
    this.#readerFor = readerFor;
    this.#facts = new ProgramFacts(limits);
  }

  request(request: ChannelTapeRequest, at: number): SshStep[] {
    const { detail } = request;
    if (detail.kind === 'start' && this.#started === undefined) this.#start(request, detail, at);
    else this.#facts.request(request, at);
    if (detail.kind === 'size') this.#lines?.resized(detail);
    return [];
  }

  /** A start that the target refused leaves the channel free for another. */
  answered(request: ChannelTapeRequest, at: number): SshStep[] {
    if (request !== this.#started?.request || request.answer !== 'refused') return [];
    const step = this.#step('refused', at);
    this.#started = undefined;
    this.#facts = new ProgramFacts(this.#limits);
    return [step];
  }

  data({ by, error, bytes, withheld }: DataEvent, at: number): SshStep[] {
    if (!withheld.length) this.#lines?.take(by === 'client' ? 'input' : 'output', bytes, at);
    if (by === 'gateway') {
      this.#facts.said.add(bytes, withheld);
      return this.#read()?.said?.(bytes, at) ?? [];
    }
    const direction = by === 'client' ? 'in' : error ? 'err' : 'out';
    this.#tallyOf(direction).add(bytes, withheld);
    const reader = this.#read();
    return reader === undefined ? [] : this.#counted(given(reader, direction, bytes, at, withheld));
  }

  told({ by, detail }: ToldEvent): SshStep[] {
    this.#facts.told(detail);
    if (by === 'gateway') this.#endedByGateway = true;
    return [];
  }

  note(note: Note, at: number): SshStep[] {
    if (note.note === 'ssh-forced-command') {
      this.#force(note);
      return [];
    }
    const isOfFiles = note.note === 'ssh-file' || note.note === 'ssh-files-refused';
    const reader = isOfFiles ? this.#read() : undefined;
    if (reader?.note !== undefined) return reader.note(note, at);
    return [{ kind: 'note', at, took: 0, note, channel: this.channel.number }];
  }

  async settle(wholly: boolean): Promise<SshStep[]> {
    const lines = this.#lines;
    if (lines === undefined) return [];
    const steps = this.#typed(await lines.settle(wholly));
    if (wholly) {
      lines.dispose();
      this.#lines = undefined;
      this.#screens.left += 1;
    }
    return steps;
  }

  end(how: 'closed' | 'cut-off' | Refusal, at: number): SshStep[] {
    const steps = this.#reader ? this.#counted(this.#reader.end(at)) : [];
    return [...steps, this.#step(this.#outcome(how), at, how)];
  }

  #start(
    request: ChannelTapeRequest,
    { start, what }: Extract<RequestDetail, { kind: 'start' }>,
    at: number,
  ): void {
    this.#started = { request, start, what: what.slice(0, COMMAND_MAX), at };
    this.#runs = start === 'shell' ? undefined : this.#program(start, this.#started.what);
    this.#watch();
  }

  /** A terminal is looked at for lines that are entered, as long as there are not too many. */
  #watch(): void {
    const { pty } = this.#facts;
    if (pty === undefined || this.#lines !== undefined || this.#screens.left === 0) return;
    this.#screens.left -= 1;
    this.#lines = new TypedLines(pty, this.#limits);
  }

  #program(start: 'exec' | 'subsystem', bytes: Uint8Array): ChannelProgram {
    const { text } = this.#limits;
    return { channel: this.channel.number, kind: start, command: shown(bytes, text), bytes, text };
  }

  /** What runs in place of what was asked for. */
  #force(note: Note): void {
    this.#forced = note;
    const { runs } = note;
    if (typeof runs !== 'string') return;
    const isSftp = runs === 'internal-sftp';
    const bytes = Buffer.from(isSftp ? 'sftp' : runs).subarray(0, COMMAND_MAX);
    this.#facts.forced = shown(Buffer.from(runs), this.#limits.text);
    this.#runs = this.#program(isSftp ? 'subsystem' : 'exec', bytes);
  }

  /** Made when it is needed: what runs may be told after what was asked for. */
  #read(): ChannelReader | undefined {
    if (this.#reader === undefined && this.#runs !== undefined)
      this.#reader = this.#readerFor(this.#runs) ?? null;
    return this.#reader ?? undefined;
  }

  #tallyOf(direction: Direction): ProgramFacts['input'] {
    const { input, output, errors } = this.#facts;
    return direction === 'in' ? input : direction === 'out' ? output : errors;
  }

  #counted(steps: SshStep[]): SshStep[] {
    for (const { kind } of steps) if (kind === 'command') this.#facts.commands += 1;
    return steps;
  }

  #typed(lines: readonly TypedLine[]): SshStep[] {
    this.#facts.commands += lines.length;
    return lines.map((line) => ({ kind: 'command', channel: this.channel.number, ...line }));
  }

  #outcome(how: 'closed' | 'cut-off' | Refusal): SshOutcome | undefined {
    if (this.#started === undefined || typeof how !== 'string')
      return how === 'closed' ? undefined : outcomeOf(how);
    if (this.#started.request.answer === 'denied') return 'denied';
    if (this.#endedByGateway) return 'ended';
    const { exitStatus, exitSignal } = this.#facts;
    if (exitSignal !== undefined) return 'failed';
    if (exitStatus !== undefined) return exitStatus === 0 ? 'completed' : 'failed';
    // A channel may close without a word about how its program ended.
    return how === 'closed' ? undefined : 'unfinished';
  }

  #step(outcome: SshOutcome | undefined, to: number, how?: 'closed' | 'cut-off' | Refusal): SshStep {
    const { start, what, at, request } = this.#started ?? {};
    const from = at ?? this.channel.at;
    const refusal = typeof how === 'object' ? { code: how.code, message: how.message } : undefined;
    return {
      kind: start ?? 'session',
      at: from,
      took: to - from,
      channel: this.channel.number,
      ...(outcome && { outcome }),
      ...(start !== undefined && start !== 'shell' && { command: shown(what!, this.#limits.text) }),
      program: this.#facts.shown(),
      ...(request?.words !== undefined && { text: request.words }),
      ...(refusal && { refusal }),
      ...(this.#forced && { note: this.#forced }),
    };
  }
}

/** Pieces of what stands on the tape, and of what does not. */
function given(
  reader: ChannelReader,
  direction: Direction,
  bytes: Uint8Array,
  at: number,
  withheld: readonly Range[],
): SshStep[] {
  const steps: SshStep[] = [];
  let done = 0;
  for (const { from, to } of withheld) {
    if (from > done) steps.push(...reader.take(direction, bytes.subarray(done, from), at, false));
    steps.push(...reader.take(direction, bytes.subarray(from, to), at, true));
    done = to;
  }
  if (done < bytes.length) steps.push(...reader.take(direction, bytes.subarray(done), at, false));
  return steps;
}
