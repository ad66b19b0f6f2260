import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { escapeJson, escapeTerminal } from '#core/replay/text.ts';
import { type Home, openHome } from './home.ts';

/** What a command may use of the world. */
export interface Cli {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: Home;
  readonly stdin: Readable;
  readonly stdout: Writable & { readonly columns?: number; readonly isTTY?: boolean };
  readonly stderr: Writable & { readonly isTTY?: boolean };
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** What the process will exit with. */
  exitWith(code: number): void;
}

export function processCli(): Cli {
  const { env, stdin, stdout, stderr } = process;
  const exitWith = (code: number): void => {
    process.exitCode = code;
  };
  return { env, home: openHome(env), stdin, stdout, stderr, now: Date.now, exitWith };
}

/** A line on standard output. The caller has made it safe for a terminal. Waits for a slow reader. */
export async function print(cli: Cli, text: string): Promise<void> {
  await write(cli, `${text}\n`);
}

/** Part of a line. */
export async function write(cli: Cli, text: string): Promise<void> {
  if (!cli.stdout.write(text)) await once(cli.stdout, 'drain');
}

/** A line for the person, never part of the output. */
export function say(cli: Cli, text: string): void {
  cli.stderr.write(`${escapeTerminal(text)}\n`);
}

export async function printJson(cli: Cli, value: unknown): Promise<void> {
  await print(cli, jsonText(value));
}

/** One line of JSON in which every control and invisible character is an escape (case 18); it parses to the same value. */
export function jsonText(value: unknown): string {
  const json = JSON.stringify(value, (_, member: unknown) =>
    member instanceof Map ? Object.fromEntries(member) : member,
  );
  return escapeJson(json);
}
