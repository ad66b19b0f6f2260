import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { cpuSeconds, machineCpuSeconds } from '../machine.ts';
import type { Measure } from '../measure.ts';
import type { SshContender, SshStage } from './stage.ts';

const run = promisify(execFile);

export interface SshWorkload {
  readonly name: string;
  readonly unit: 'MB/s' | 'conn/s' | 'KB/conn' | 'ms' | 's';
  /** Measured in the first round only. */
  readonly once?: boolean;
  run(contender: SshContender, stage: SshStage): Promise<Measure>;
}

const KEYSTROKES = 600;
const BURST_LINES = 1_000_000;
const CONNECTIONS = 48;
const AT_A_TIME = 4;
const SOME_SESSIONS = 50;
const IDLE_SESSIONS = 150;
/** As long as V8 may take until it gives back what logins left behind. */
const SETTLE_MS = 9_000;
const AT_ONCE = 200;
/** Logins at a time where many are held: what is measured is what they hold. */
const LOGGING_IN = 10;

export const BLOB = 'blob';

export function sshWorkloads(bytes: number): readonly SshWorkload[] {
  return [
    idleMemory(),
    transfer('scp down', bytes, ({ blob, sink, name, options }) => [
      'scp',
      [...options, `${name}:${blob}`, sink],
    ]),
    transfer('scp up', bytes, ({ blob, sink, name, options }) => [
      'scp',
      [...options, blob, `${name}:${sink}`],
    ]),
    transfer('sftp down', bytes, ({ blob, sink, name, options }) => [
      'sftp',
      [...options, `${name}:${blob}`, sink],
    ]),
    transfer('sftp up', bytes, ({ blob, sink, name, options }) => [
      'sh',
      ['-c', `echo "put ${blob} ${sink}" | sftp ${options.join(' ')} -b - ${name}`],
    ]),
    burst(),
    keystrokes(),
    connections(),
    manyAtOnce(),
  ];
}

interface Way {
  readonly name: string;
  readonly options: readonly string[];
  readonly blob: string;
  readonly sink: string;
}

function transfer(
  name: string,
  bytes: number,
  command: (way: Way) => readonly [string, readonly string[]],
): SshWorkload {
  return {
    name,
    unit: 'MB/s',
    run: async (contender, { config, folder }) => {
      const sink = join(folder, 'sink');
      const way = { name: contender.name, options: ['-q', '-F', config], blob: join(folder, BLOB), sink };
      const [program, args] = command(way);
      const measured = await measure(contender, () => run(program, [...args]));
      rmSync(sink);
      return { rate: bytes / measured.seconds / 1e6, ...perUnit(measured, bytes / 1e9) };
    },
  };
}

/** What a terminal writes line by line, as fast as it can. */
function burst(): SshWorkload {
  return {
    name: 'burst on a terminal',
    unit: 'MB/s',
    run: async (contender, stage) => {
      let bytes = 0;
      const measured = await measure(contender, async () => {
        const child = ssh(stage, contender, ['-tt'], `seq ${BURST_LINES}`);
        child.stdout!.on('data', (chunk: Buffer) => (bytes += chunk.length));
        await finished(child);
      });
      return { rate: bytes / measured.seconds / 1e6, ...perUnit(measured, bytes / 1e9) };
    },
  };
}

/** One key at a time, at the pace of somebody fast; until its echo is there. */
function keystrokes(): SshWorkload {
  return {
    name: 'keystroke to echo',
    unit: 'ms',
    run: async (contender, stage) => {
      const child = ssh(stage, contender, ['-tt'], 'stty raw -echo; echo ready; exec cat');
      await once(child.stdout!, 'data');
      const times: number[] = [];
      const measured = await measure(contender, async () => {
        for (let key = 0; key < KEYSTROKES; key += 1) {
          await sleep(3 + (key % 7));
          const started = performance.now();
          const echoed = once(child.stdout!, 'data');
          child.stdin!.write('x');
          await echoed;
          times.push(performance.now() - started);
        }
      });
      const over = once(child, 'close');
      child.kill();
      await over;
      times.sort((a, b) => a - b);
      const at = (share: number): number => times[Math.floor(times.length * share)]!;
      const p50 = at(0.5);
      return { rate: p50, p50, p99: at(0.99), ...perUnit(measured, KEYSTROKES / 1e6) };
    },
  };
}

/** Four that connect, run `true` and go, one time after the other. */
function connections(): SshWorkload {
  return {
    name: `connections, ${AT_A_TIME} at a time`,
    unit: 'conn/s',
    run: async (contender, stage) => {
      const measured = await measure(contender, () =>
        eachOf(CONNECTIONS, AT_A_TIME, () => finished(ssh(stage, contender, ['-n'], 'true'))),
      );
      return { rate: CONNECTIONS / measured.seconds, ...perUnit(measured, CONNECTIONS / 1e6) };
    },
  };
}

/** All start together and stay until all are there; each must get its own answer. */
function manyAtOnce(): SshWorkload {
  return {
    name: `${AT_ONCE} sessions at once`,
    unit: 's',
    once: true,
    run: async (contender, stage) => {
      const one = async (_: unknown, index: number): Promise<void> => {
        const child = ssh(stage, contender, ['-n', '-o', 'ConnectTimeout=110'], `sleep 2; echo ${index}`);
        let said = '';
        child.stdout!.on('data', (chunk: Buffer) => (said += chunk.toString()));
        await finished(child);
        if (said.trim() !== String(index)) throw new Error(`session ${index} of ${contender.name}: ${said}`);
      };
      const measured = await measure(contender, () => Promise.all(Array.from({ length: AT_ONCE }, one)));
      return { rate: measured.seconds, ...perUnit(measured, AT_ONCE / 1e6) };
    },
  };
}

/**
 * What one more idle session keeps of the processes between client and sshd, when there are some. Comes first and once, after as
 * many that have come and gone: a process that has been busy has memory to spare, and would seem to need none.
 */
function idleMemory(): SshWorkload {
  return {
    name: `memory, ${IDLE_SESSIONS} x ssh -N`,
    unit: 'KB/conn',
    once: true,
    run: async (contender, stage) => {
      const none = { rate: Number.NaN, cpu: Number.NaN, machineCpu: Number.NaN };
      if (contender.name === 'direct') return none;
      await letGo(await hold(stage, contender, IDLE_SESSIONS));
      const some = await hold(stage, contender, SOME_SESSIONS);
      await sleep(SETTLE_MS);
      const before = ownBytes(contender.pids());
      const more = await hold(stage, contender, IDLE_SESSIONS);
      await sleep(SETTLE_MS);
      const after = ownBytes(contender.pids());
      await letGo([...some, ...more]);
      return { ...none, rate: (after - before) / IDLE_SESSIONS / 1024 };
    },
  };
}

/** So many `ssh -N` that are logged in. */
async function hold(stage: SshStage, contender: SshContender, count: number): Promise<ChildProcess[]> {
  const held: ChildProcess[] = [];
  await eachOf(count, LOGGING_IN, async () => {
    // It says when it is there.
    const child = ssh(stage, contender, ['-N', '-n', '-o', 'LogLevel=DEBUG1']);
    held.push(child);
    await new Promise<void>((done, failed) => {
      let said = '';
      child.stderr!.on('data', (chunk: Buffer) => {
        said = (said + chunk.toString()).slice(-8192);
        if (said.includes('Entering interactive session')) done();
      });
      child.once('close', () => failed(new Error(`ssh -N of ${contender.name} ended: ${said}`)));
    });
  });
  return held;
}

async function letGo(held: readonly ChildProcess[]): Promise<void> {
  const over = held.map((child) => once(child, 'close'));
  for (const child of held) child.kill();
  await Promise.all(over);
}

/** Resident; of processes that share their memory, each one's share. */
function ownBytes(pids: readonly number[]): number {
  const what = pids.length === 1 ? /^Rss:\s+(\d+)/m : /^Pss:\s+(\d+)/m;
  return pids.reduce((sum, pid) => {
    const [, kib] = what.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')) ?? [];
    return sum + Number(kib) * 1024;
  }, 0);
}

function ssh(
  { config }: SshStage,
  { name }: SshContender,
  options: readonly string[],
  ...command: readonly string[]
): ChildProcess {
  return spawn('ssh', ['-F', config, ...options, name, ...command], { stdio: 'pipe' });
}

async function finished(child: ChildProcess): Promise<void> {
  let said = '';
  child.stdout!.resume();
  child.stderr!.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`ssh ended with ${code}: ${said}`);
}

async function eachOf(count: number, atATime: number, work: () => Promise<void>): Promise<void> {
  let left = count;
  const worker = async (): Promise<void> => {
    while (left-- > 0) await work();
  };
  await Promise.all(Array.from({ length: atATime }, worker));
}

interface Measured {
  readonly seconds: number;
  readonly cpu: number;
  readonly machineCpu: number;
}

/** Processes of a jump host come and go with its connections: only one that stays can be asked for its CPU. */
async function measure(contender: SshContender, work: () => Promise<unknown>): Promise<Measured> {
  const pids = contender.name === 'custody' ? contender.pids() : [];
  const [cpuBefore, machineBefore, started] = [cpuSeconds(pids), machineCpuSeconds(), performance.now()];
  await work();
  const seconds = (performance.now() - started) / 1000;
  const cpu = pids.length === 0 ? Number.NaN : cpuSeconds(pids) - cpuBefore;
  return { seconds, cpu, machineCpu: machineCpuSeconds() - machineBefore };
}

function perUnit({ cpu, machineCpu }: Measured, units: number): { cpu: number; machineCpu: number } {
  return { cpu: cpu / units, machineCpu: machineCpu / units };
}
