import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { decodeText } from '#core/protocols/ssh/wire.ts';
import { Collected, type Program, type Said } from '#core/replay/rerun/ssh/programs.ts';
import { type RunProgram, rerunSsh } from '#core/replay/rerun/ssh/rerun.ts';
import { type Api, sessionPages } from '../../api.ts';
import type { Cli } from '../../cli.ts';
import { sshKit } from '../../clients/ssh.ts';
import type { Rerunner, WantedRerun } from '../rerunner.ts';

/** What ssh itself exits with where it did not come to the program. */
const NOT_RUN = 255;
const FOUND_MS = 250;
const FOUND_TRIES = 20;

/** One session after the other: by OpenSSH's client, which shares one connection for all programs of a session (ControlMaster). */
export const sshRerunner: Rerunner = {
  run: async (cli, api, wanted, options) => {
    const reports = [];
    for (const one of wanted) {
      const startedAt = cli.now();
      const { target, recording } = one;
      const report = await withConnection(cli, api, one, options.answerMs, (run) =>
        rerunSsh({
          ...options,
          run,
          session: recording.facts.session,
          against: target.name,
          frames: recording.frames,
        }),
      );
      const rerun = await ownSession(api, target.name, startedAt);
      reports.push({ ...report, ...(rerun === undefined ? {} : { rerun }) });
    }
    return { reports };
  },
};

async function withConnection<T>(
  cli: Cli,
  api: Api,
  { target, recording }: WantedRerun,
  answerMs: number,
  work: (run: RunProgram) => Promise<T>,
): Promise<T> {
  // Short: the path of a socket has room for 104 bytes.
  const folder = mkdtempSync(join(tmpdir(), 'custody-'));
  // The gateway lets what says so into a sandbox alone. Before what is in the file: of each setting the first counts (ssh_config(5)).
  const shared = ['-o', `ControlPath=${join(folder, 's')}`, '-o', `User=${userOf(target, recording)}`];
  const start = async (args: readonly string[]): Promise<ChildProcess> => {
    const { command, env } = await sshKit.prepare(cli, api, target, ['ssh', ...shared, ...args], {});
    const [program = '', ...rest] = command;
    return spawn(program, rest, { env: { ...cli.env, ...env }, stdio: ['pipe', 'pipe', 'pipe'] });
  };
  try {
    return await work(async (program) => {
      const child = await start(argumentsOf(program, target.name));
      return saidBy(child, program, answerMs);
    });
  } finally {
    await once(await start(['-O', 'exit']), 'exit').catch(() => undefined);
    rmSync(folder, { recursive: true, force: true });
  }
}

function userOf(
  { name, logins: [login] = [] }: WantedRerun['target'],
  { facts }: WantedRerun['recording'],
): string {
  return `${login === undefined ? '' : `${login}+`}${name},rerun=${facts.session}`;
}

/** The host is named: a recorded command is none, whatever it says. */
export function argumentsOf({ start, what, env }: Program, host: string): string[] {
  const master = ['-T', '-o', 'ControlMaster=auto', '-o', 'ControlPersist=yes'];
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

/** The session that the rerun was: SSH does not tell a client. */
async function ownSession(api: Api, target: string, startedAt: number): Promise<string | undefined> {
  const since = new Date(startedAt - 1);
  for (let tries = 0; tries < FOUND_TRIES; tries++) {
    for await (const page of sessionPages(api, { target, since }, { limit: 1 })) {
      const [found] = page;
      if (found !== undefined) return found.id;
      break;
    }
    await sleep(FOUND_MS);
  }
  return undefined;
}
