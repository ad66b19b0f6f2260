import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { CustodyError } from '#core/errors.ts';
import type { TerminalEvent } from '#core/replay/terminal.ts';
import { type Cli, say } from '../cli.ts';
import type { EvidenceReading } from './evidence-reading.ts';

/** Leaves the alternate screen, shows the cursor, takes colours, margins and modes back (xterm's soft reset). */
export const AS_BEFORE = '\x1b[?1049l\x1b[?25h\x1b[!p\x1b[0m\r\n';

/**
 * Gives a terminal's output to the viewer's own, as it was: it acts on that one. Nothing but `--raw` does so (security case 18).
 */
export async function playRaw(
  cli: Cli,
  evidence: EvidenceReading,
  { channel, speed }: { readonly channel?: number; readonly speed?: number },
): Promise<void> {
  const events = terminalOf(evidence, channel);
  say(cli, 'what follows is the terminal as it was: what it says acts on your own terminal');
  const pace = outputPace(speed);
  let started = false;
  try {
    for await (const event of events) {
      started = true;
      await pace(event.at);
      evidence.status.clear();
      if (event.kind === 'output') await writeBytes(cli, event.bytes);
      if (event.kind === 'start') sayWhere(cli, event);
    }
  } finally {
    if (cli.stdout.isTTY) cli.stdout.write(AS_BEFORE);
  }
  if (!started) throw noTerminal(channel);
}

/** Frames that hold, as the terminal that they are of. */
export async function* terminalOf(
  { reader, reading }: EvidenceReading,
  channel: number | undefined,
): AsyncGenerator<TerminalEvent, void, undefined> {
  if (reader.terminal === undefined)
    throw new CustodyError('unsupported', 'sessions of this protocol have no terminals');
  try {
    yield* reader.terminal(reading.frames(), channel);
  } catch (thrown) {
    // It ends where the evidence does not hold any longer; the verdict says why.
    if (!(thrown instanceof CustodyError) || thrown.code !== 'format-invalid') throw thrown;
  }
}

export function noTerminal(channel: number | undefined): CustodyError {
  const what =
    channel === undefined
      ? 'no program of this session has a terminal'
      : `nothing runs on channel ${channel}`;
  return new CustodyError('not-found', what, {
    hint: 'custody play lists the channels; --channel names one',
  });
}

function sayWhere(cli: Cli, { columns, rows, isTerminal }: Extract<TerminalEvent, { kind: 'start' }>): void {
  if (isTerminal) say(cli, `it was ${columns} columns wide and ${rows} rows high`);
}

function outputPace(speed: number | undefined): (at: number) => Promise<void> {
  let last: number | undefined;
  return async (at) => {
    const ms = speed === undefined || last === undefined ? 0 : (at - last) / 1000 / speed;
    last = at;
    if (ms > 0) await sleep(ms);
  };
}

export async function writeBytes(cli: Cli, bytes: Uint8Array): Promise<void> {
  if (!cli.stdout.write(Uint8Array.from(bytes))) await once(cli.stdout, 'drain');
}
