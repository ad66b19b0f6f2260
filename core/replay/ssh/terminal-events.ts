import { decodeText } from '#core/protocols/ssh/wire.ts';
import type { ReplayFrame } from '../step.ts';
import { PLAIN_SIZE, type TerminalEvent } from '../terminal.ts';
import { SSH_LIMITS } from './step.ts';
import { SshTape } from './tape.ts';
import type { ChannelTapeRequest, SshEvent, TapeChannel } from './tape-events.ts';
import type { RequestDetail } from './tape-requests.ts';

type Pty = Extract<RequestDetail, { kind: 'pty' }>;

/**
 * The terminal of one channel, by its number in steps; without one, the first on which a program has a terminal. Nothing where there
 * is none. Like `steps`, it reads what it can of what is damaged.
 */
export async function* sshTerminal(
  frames: AsyncIterable<ReplayFrame>,
  channel?: number,
): AsyncGenerator<TerminalEvent, void, undefined> {
  const tape = new SshTape(SSH_LIMITS);
  const terminal = new ChannelTerminal(channel);
  for await (const frame of frames)
    for (const event of tape.take(frame)) {
      const taken = terminal.take(event, frame.timeUs);
      if (taken !== undefined) yield taken;
    }
}

class ChannelTerminal {
  readonly #wanted: number | undefined;
  readonly #terminals = new Map<TapeChannel, Pty>();
  #channel: TapeChannel | undefined;

  constructor(wanted: number | undefined) {
    this.#wanted = wanted;
  }

  take(event: SshEvent, at: number): TerminalEvent | undefined {
    if (event.kind === 'request') return this.#request(event.channel, event.request, at);
    if (event.kind === 'closed') this.#terminals.delete(event.channel);
    if (!('channel' in event) || event.channel === undefined || event.channel !== this.#channel)
      return undefined;
    if (event.kind === 'told' && event.detail.kind === 'exit-status')
      return { kind: 'exit', at, status: event.detail.status };
    if (event.kind !== 'data') return undefined;
    return { kind: event.by === 'client' ? 'input' : 'output', at, bytes: event.bytes };
  }

  #request(channel: TapeChannel, { detail }: ChannelTapeRequest, at: number): TerminalEvent | undefined {
    if (detail.kind === 'pty') this.#terminals.set(channel, detail);
    if (detail.kind === 'start' && this.#channel === undefined && this.#isWanted(channel)) {
      this.#channel = channel;
      return startOf(this.#terminals.get(channel), detail, at);
    }
    if (detail.kind !== 'size' || channel !== this.#channel) return undefined;
    return { kind: 'resize', at, ...sized(detail) };
  }

  #isWanted(channel: TapeChannel): boolean {
    return this.#wanted === undefined ? this.#terminals.has(channel) : channel.number === this.#wanted;
  }
}

function startOf(
  pty: Pty | undefined,
  { start, what }: Extract<RequestDetail, { kind: 'start' }>,
  at: number,
): TerminalEvent {
  const command = start === 'shell' ? {} : { command: decodeText(what) };
  if (pty === undefined) return { kind: 'start', at, ...PLAIN_SIZE, ...command, isTerminal: false };
  return { kind: 'start', at, ...sized(pty), term: pty.term, ...command, isTerminal: true };
}

/** A terminal of no size is one whose client does not know it. */
function sized({ columns, rows }: { readonly columns: number; readonly rows: number }): {
  readonly columns: number;
  readonly rows: number;
} {
  return { columns: columns || PLAIN_SIZE.columns, rows: rows || PLAIN_SIZE.rows };
}
