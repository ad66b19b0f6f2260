/** What ran in a recorded SSH session: each program with what it was given, and what it said. */
import { createHash } from 'node:crypto';
import { SSH_LIMITS } from '../../ssh/step.ts';
import { sshSteps } from '../../ssh/steps.ts';
import { SshTape } from '../../ssh/tape.ts';
import type { SshEvent, TapeChannel } from '../../ssh/tape-events.ts';
import type { ReplayFrame } from '../../step.ts';

/** Bytes of a stream, of which the beginning is kept. */
export interface Stream {
  readonly length: number;
  readonly kept: Uint8Array;
  /** SHA-256 of all of it, lower-case hex. */
  readonly sha256: string;
}

export interface Said {
  readonly stdout: Stream;
  readonly stderr: Stream;
  readonly exitStatus?: number | undefined;
  readonly exitSignal?: string | undefined;
}

export interface Program extends Said {
  /** Of its step, from 1; 0 where it has none. */
  readonly step: number;
  readonly start: 'exec' | 'shell' | 'subsystem';
  /** The command, or the subsystem's name. */
  readonly what: Uint8Array;
  readonly env: readonly (readonly [name: string, value: string])[];
  readonly stdin: Stream;
  /** Why it is not run again. */
  readonly leftOut?: string | undefined;
}

const KEPT_MAX = 32 << 20;
/** Of all streams of one session. */
const KEPT_IN_ALL_MAX = 256 << 20;
const PROGRAMS_MAX = 10_000;

/** Bytes that may be kept yet. */
interface Budget {
  left: number;
}

/** Collects a stream in bounded memory. */
export class Collected {
  #length = 0;
  #kept: Uint8Array[] = [];
  #keptBytes = 0;
  readonly #hash = createHash('sha256');
  readonly #budget: Budget;

  constructor(budget: Budget = { left: KEPT_MAX }) {
    this.#budget = budget;
  }

  add(bytes: Uint8Array): void {
    this.#length += bytes.length;
    this.#hash.update(bytes);
    const room = Math.min(KEPT_MAX - this.#keptBytes, this.#budget.left);
    if (room <= 0) return;
    const kept = Uint8Array.from(bytes.subarray(0, room));
    this.#kept.push(kept);
    this.#keptBytes += kept.length;
    this.#budget.left -= kept.length;
  }

  end(): Stream {
    return { length: this.#length, kept: Buffer.concat(this.#kept), sha256: this.#hash.digest('hex') };
  }
}

interface Running {
  readonly channel: number;
  start: Program['start'] | undefined;
  what: Uint8Array;
  hasTerminal: boolean;
  isWithheld: boolean;
  readonly env: [string, string][];
  readonly stdin: Collected;
  readonly stdout: Collected;
  readonly stderr: Collected;
  exitStatus: number | undefined;
  exitSignal: string | undefined;
}

/** In the order in which they were started. */
export async function programsOf(frames: () => AsyncIterable<ReplayFrame>): Promise<Program[]> {
  const steps = await stepsByChannel(frames());
  const tape = new SshTape(SSH_LIMITS);
  const running = new Map<TapeChannel, Running>();
  const budget = { left: KEPT_IN_ALL_MAX };
  for await (const frame of frames()) for (const event of tape.take(frame)) take(running, event, budget);
  return [...running.values()].flatMap((one) => programOf(one, steps));
}

/** Numbers of steps that are a program's. */
async function stepsByChannel(frames: AsyncIterable<ReplayFrame>): Promise<ReadonlyMap<number, number>> {
  const found = new Map<number, number>();
  let number = 0;
  for await (const step of sshSteps(frames)) {
    number++;
    if (['exec', 'shell', 'subsystem'].includes(step.kind) && step.channel !== undefined)
      found.set(step.channel, number);
  }
  return found;
}

function take(running: Map<TapeChannel, Running>, event: SshEvent, budget: Budget): void {
  if (!('channel' in event) || event.channel === undefined) return;
  const { channel } = event;
  if (event.kind === 'open' && channel.type === 'session' && running.size < PROGRAMS_MAX) {
    running.set(channel, begin(channel.number, budget));
    return;
  }
  const one = running.get(channel);
  if (one === undefined) return;
  if (event.kind === 'request') asked(one, event);
  else if (event.kind === 'data') said(one, event);
  else if (event.kind === 'told' && event.detail.kind === 'exit-status') one.exitStatus = event.detail.status;
  else if (event.kind === 'told' && event.detail.kind === 'exit-signal') one.exitSignal = event.detail.name;
}

function begin(channel: number, budget: Budget): Running {
  return {
    channel,
    start: undefined,
    what: new Uint8Array(0),
    hasTerminal: false,
    isWithheld: false,
    env: [],
    stdin: new Collected(budget),
    stdout: new Collected(budget),
    stderr: new Collected(budget),
    exitStatus: undefined,
    exitSignal: undefined,
  };
}

function asked(one: Running, { request: { detail } }: Extract<SshEvent, { kind: 'request' }>): void {
  if (detail.kind === 'pty') one.hasTerminal = true;
  if (detail.kind === 'env') one.env.push([text(detail.name), text(detail.value)]);
  if (detail.kind !== 'start' || one.start !== undefined) return;
  one.start = detail.start;
  one.what = Uint8Array.from(detail.what);
}

function text(of: string | Uint8Array): string {
  return typeof of === 'string' ? of : Buffer.from(of).toString('utf8');
}

function said(one: Running, { by, error, bytes, withheld }: Extract<SshEvent, { kind: 'data' }>): void {
  if (withheld.length > 0) one.isWithheld = true;
  if (by === 'client') one.stdin.add(bytes);
  else if (by === 'target') (error ? one.stderr : one.stdout).add(bytes);
}

function programOf(one: Running, steps: ReadonlyMap<number, number>): Program[] {
  if (one.start === undefined) return [];
  const { start, what, env, exitStatus, exitSignal } = one;
  const [stdin, stdout, stderr] = [one.stdin.end(), one.stdout.end(), one.stderr.end()];
  const leftOut = reasonOf(one, stdin);
  return [
    {
      step: steps.get(one.channel) ?? 0,
      ...{ start, what, env, stdin, stdout, stderr, exitStatus, exitSignal, leftOut },
    },
  ];
}

function reasonOf({ hasTerminal, isWithheld, start, what, env }: Running, stdin: Stream): string | undefined {
  if (hasTerminal) return 'it had a terminal: what a person typed was an answer to what they saw';
  if (isWithheld) return 'bytes of it were withheld from the recording';
  if (start === 'subsystem') return `what ${text(what)} is told depends on its answers`;
  if (!Buffer.from(text(what)).equals(what)) return 'its command is no UTF-8';
  // No program can be given one.
  if (what.includes(0) || env.some((pair) => pair.some((one) => /[\0\n]/.test(one))))
    return 'its command or its environment has what no command line can have';
  return stdin.kept.length < stdin.length ? 'more was sent to it than can be kept' : undefined;
}
