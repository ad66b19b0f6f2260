import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CustodyError } from '#core/errors.ts';
import { printable } from '#core/printable.ts';
import { decodeText } from '#core/protocols/ssh/wire.ts';
import { Collected, type Program, type Said } from '#core/replay/rerun/ssh/programs.ts';
import { type RunProgram, rerunSsh } from '#core/replay/rerun/ssh/rerun.ts';
import type { Api } from '../../api.ts';
import type { Cli } from '../../cli.ts';
import { sshKit } from '../../clients/ssh.ts';
import type { Rerunner, WantedRerun } from '../rerunner.ts';

/** What ssh itself exits with where it did not come to the program. */
const NOT_RUN = 255;
/** What ssh wrote may come behind its end. */
const TOLD_MS = 20;
const TOLD_TRIES = 50;

/** One session after the other: by OpenSSH's client, which shares one connection for all programs of a session (ControlMaster). */
export const sshRerunner: Rerunner = {
  run: async (cli, api, wanted, options) => {
    const reports = [];
    for (const one of wanted) {
      const { target, recording } = one;
      const report = await withConnection(cli, api, one, (run, rerun) =>
        rerunSsh({
          ...options,
          run: (program) => run(program, options.answerMs),
          ...{ session: recording.facts.session, rerun, against: target.name },
          frames: recording.frames,
        }),
      );
      reports.push(report);
    }
    return { reports };
  },
};

type Run = (program: Program, answerMs: number) => ReturnType<RunProgram>;

async function withConnection<T>(
  cli: Cli,
  api: Api,
  { target, recording }: WantedRerun,
  work: (run: Run, rerun: string) => Promise<T>,
): Promise<T> {
  // Short: the path of a socket has room for 104 bytes.
  const folder = mkdtempSync(join(tmpdir(), 'custody-'));
  const user = `User=${userOf(target)},rerun=${recording.facts.session}`;
  const shared = ['-o', `ControlPath=${join(folder, 's')}`, '-o', user];
  const start = async (args: readonly string[]): Promise<ChildProcess> => {
    const { command, env } = await sshKit.prepare(cli, api, target, ['ssh', ...shared, ...args], {});
    const [program = '', ...rest] = command;
    return spawn(program, rest, { env: { ...cli.env, ...env }, stdio: ['pipe', 'pipe', 'pipe'] });
  };
  try {
    const rerun = await connected(await start(MASTER), target.name);
    return await work(async (program, answerMs) => {
      const child = await start(argumentsOf(program, target.name));
      return saidBy(child, program, answerMs);
    }, rerun);
  } finally {
    await once(await start(['-O', 'exit']), 'exit').catch(() => undefined);
    rmSync(folder, { recursive: true, force: true });
  }
}

/** It goes into the background once it is let in; of what a login says, banners are told at this level. */
const MASTER = ['-o', 'LogLevel=INFO', '-o', 'ControlMaster=yes', '-o', 'ControlPersist=yes', '-N', '-f'];
const OWN_SESSION = /^custody\.session=([\da-f-]{36})\r?$/m;
const WORDS_MAX = 64 << 10;

/** The id of the session that it is, which the gateway tells a rerun. Rejects with what ssh says where it is not let in. */
async function connected(master: ChildProcess, target: string): Promise<string> {
  let words = '';
  master.stderr!.setEncoding('utf8').on('data', (more: string) => (words = (words + more).slice(-WORDS_MAX)));
  const [code] = (await once(master, 'exit')) as [number | null];
  for (let left = TOLD_TRIES; left > 0 && !OWN_SESSION.test(words); left--) await sleep(TOLD_MS);
  for (const stream of [master.stdin!, master.stdout!, master.stderr!]) stream.destroy();
  const session = OWN_SESSION.exec(words)?.[1];
  if (code === 0 && session !== undefined) return session;
  throw new CustodyError('target-unreachable', `ssh does not come to ${target}: ${printable(words.trim())}`);
}

/** As the target is named where nothing else is wished for (cli/ssh/config). */
function userOf({ name, logins }: WantedRerun['target']): string {
  const [login] = logins ?? [];
  return login === undefined ? name : `${login}+${name}`;
}

/** The host is named: a recorded command is none, whatever it says. */
export function argumentsOf({ start, what, env }: Program, host: string): string[] {
  const master = ['-T', '-o', 'ControlMaster=no'];
  const named = env.map(([name, value]) => `${name}=${value}`);
  const set =
    named.length === 0
      ? []
      : ['-o', `SetEnv=${named.map((one) => `"${one.replaceAll(/["\\]/g, String.raw`\$&`)}"`).join(' ')}`];
  const command = start === 'shell' ? [] : [decodeText(what)];
  return [...master, ...set, '--', host, ...command];
}

/** Undefined where it says nothing for too long. */
async function saidBy(child: ChildProcess, { stdin }: Program, answerMs: number): Promise<Said | undefined> {
  const [stdout, stderr] = [new Collected(), new Collected()];
  let heard = 0;
  child.stdout!.on('data', (bytes: Buffer) => stdout.add(bytes) ?? (heard += bytes.length));
  child.stderr!.on('data', (bytes: Buffer) => stderr.add(bytes) ?? (heard += bytes.length));
  child.stdin!.on('error', () => undefined);
  child.stdin!.end(stdin.kept);
  const closed = once(child, 'close') as Promise<[number | null]>;
  for (let before = -1; ; before = heard) {
    const over = new AbortController();
    const waited = sleep(answerMs, 'silent' as const, over).catch(() => 'over' as const);
    const ended = await Promise.race([closed, waited]);
    over.abort();
    if (Array.isArray(ended)) return saidOf(ended[0], stdout, stderr);
    if (heard !== before) continue;
    child.kill();
    return undefined;
  }
}

/** ssh exits with 255 also where a signal ended the program. */
function saidOf(code: number | null, stdout: Collected, stderr: Collected): Said {
  const said = { stdout: stdout.end(), stderr: stderr.end() };
  return code === null || code === NOT_RUN
    ? { ...said, exitSignal: 'unknown' }
    : { ...said, exitStatus: code };
}
