/** Commands of a recorded SSH session with what came of them: one for each session channel that asked for something. */
import { CustodyError } from '#core/errors.ts';
import { SSH_LIMITS } from '#core/replay/ssh/step.ts';
import { SshTape } from '#core/replay/ssh/tape.ts';
import type { ChannelTapeRequest, SshEvent, TapeChannel } from '#core/replay/ssh/tape-events.ts';
import type { RequestDetail } from '#core/replay/ssh/tape-requests.ts';
import type { ReplayFrame } from '#core/replay/step.ts';
import { isReadable, type SeenAnswer, type SeenCommand, type UnreadableCommand } from '#core/tasks/seen.ts';
import type { SeenExecution, TakeParts } from '#core/tasks/shapes.ts';
import { Counted } from '../../counted.ts';
import { noCommand, seenCommandLine } from './argv.ts';

type Start = Extract<RequestDetail, { kind: 'start' }>;
type Program = 'stdin' | 'stdout' | 'stderr';

/** What is kept of a stream, for whoever wants to see it. */
const FIRST_MAX = 64 << 10;

/** See `CommandShapes.executions`. */
export async function* sshExecutions(
  frames: AsyncIterable<ReplayFrame>,
  take: TakeParts,
): AsyncGenerator<SeenExecution, void, undefined> {
  const tape = new SshTape(SSH_LIMITS);
  const running = new Map<TapeChannel, Running>();
  let now = 0;
  try {
    for await (const frame of frames) {
      now = frame.timeUs;
      for (const event of tape.take(frame)) yield* heard(event, now, running, take);
    }
  } catch (thrown) {
    // What is damaged ends what can be read; the verifier says so.
    if (!(thrown instanceof CustodyError) || thrown.code !== 'format-invalid') throw thrown;
  }
  for (const event of tape.finish()) yield* heard(event, now, running, take);
  for (const one of running.values()) yield one.over(now, false);
}

function* heard(
  event: SshEvent,
  now: number,
  running: Map<TapeChannel, Running>,
  take: TakeParts,
): Generator<SeenExecution> {
  switch (event.kind) {
    case 'request': {
      const { detail } = event.request;
      if (detail.kind === 'start' && !running.has(event.channel))
        running.set(event.channel, new Running(event.request, detail, take));
      break;
    }
    case 'data':
      if (event.by !== 'gateway') running.get(event.channel)?.data(streamOf(event), event.bytes);
      break;
    case 'told':
      if (event.by === 'target') running.get(event.channel)?.told(event.detail, now);
      break;
    case 'closed':
    case 'open-failed': {
      const one = running.get(event.channel);
      running.delete(event.channel);
      if (one !== undefined) yield one.over(now, true);
      break;
    }
    case 'answer':
    case 'auth':
    case 'open':
    case 'global':
    case 'global-answer':
    case 'note':
    case 'damaged':
      break;
  }
}

function streamOf({ by, error }: Extract<SshEvent, { kind: 'data' }>): Program {
  if (by === 'client') return 'stdin';
  return error ? 'stderr' : 'stdout';
}

/** What a session channel runs. */
class Running {
  readonly #request: ChannelTapeRequest;
  readonly #command: SeenCommand | UnreadableCommand;
  readonly #streams = new Map<Program, Counted>();
  readonly #take: TakeParts;
  #exit: { readonly error?: string; readonly at: number } | undefined;

  constructor(request: ChannelTapeRequest, start: Start, take: TakeParts) {
    this.#request = request;
    this.#take = take;
    this.#command = commandOf(start);
  }

  data(stream: Program, bytes: Uint8Array): void {
    const counted = this.#streams.get(stream) ?? new Counted(FIRST_MAX);
    this.#streams.set(stream, counted);
    counted.take(bytes);
  }

  told(detail: RequestDetail, at: number): void {
    if (detail.kind === 'exit-status')
      this.#exit = { at, ...(detail.status === 0 ? {} : { error: `exit ${detail.status}` }) };
    if (detail.kind === 'exit-signal') this.#exit = { at, error: `signal ${detail.name}` };
  }

  over(now: number, isClosed: boolean): SeenExecution {
    this.#tell();
    const answer = this.#answer(now, isClosed);
    return { command: this.#command, at: this.#request.at, answer, takes: 'stdin' };
  }

  #answer(now: number, isClosed: boolean): SeenAnswer {
    const { at, answer } = this.#request;
    const exit = this.#exit;
    const tookMs = ((exit?.at ?? now) - at) / 1000;
    if (answer === 'denied') return { outcome: 'refused', tookMs };
    const streams = Object.fromEntries([...this.#streams].map(([name, counted]) => [name, counted.seen()]));
    const base = { tookMs, streams };
    if (answer === 'refused') return { ...base, outcome: 'failed', error: 'the target does not start it' };
    if (exit?.error !== undefined) return { ...base, outcome: 'failed', error: exit.error };
    if (exit !== undefined) return { ...base, outcome: 'completed' };
    return isClosed
      ? { ...base, outcome: 'failed', error: 'it ended without a status' }
      : { ...base, outcome: 'unfinished' };
  }

  /** Whoever wants to keep of it gets the beginning of each stream. */
  #tell(): void {
    if (!isReadable(this.#command)) return;
    for (const [name, counted] of this.#streams) this.#take.bytes?.(this.#command, name, counted.first);
  }
}

function commandOf({ start, what }: Start): SeenCommand | UnreadableCommand {
  if (start !== 'exec') return noCommand(start);
  return seenCommandLine(Buffer.from(what).toString('utf8'));
}
