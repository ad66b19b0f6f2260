import { randomBytes } from 'node:crypto';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Ran } from '#test/kubernetes/support/run.ts';
import { type KubectlVersion, kubernetesTool } from '#test/kubernetes/support/tools.ts';
import { cpuSeconds, machineCpuSeconds, residentBytes } from '../machine.ts';
import type { Measure } from '../measure.ts';
import type { KubernetesContender, KubernetesStage } from './stage.ts';

export interface KubernetesWorkload {
  readonly name: string;
  readonly unit: 'calls/s' | 'MB/s' | 'ms' | 'KB/watch';
  /** Measured in the first round only. */
  readonly once?: boolean;
  /** Of the contenders' names; all of them when left out. */
  readonly against?: readonly KubernetesContender['name'][];
  run(contender: KubernetesContender, stage: KubernetesStage): Promise<Measure>;
}

export interface Sizes {
  /** Of each run of gets. */
  readonly seconds: number;
  /** Of each transfer. */
  readonly bytes: number;
}

const EVENTS = 200;
const IDLE_WATCHES = 1_000;
/** Until the garbage of as many requests is gone. */
const SETTLE_MS = 3_000;
const TRANSFER_MS = 300_000;
const CONTAINER = ['-n', 'dev', 'exec', '-i', 'web-0', '--', 'sh', '-c'] as const;

export function kubernetesWorkloads({ seconds, bytes }: Sizes): readonly KubernetesWorkload[] {
  const gets = ['json', 'protobuf'].flatMap((content) =>
    [1, 8, 64].map((clients) => get(content, clients, seconds)),
  );
  return [
    // First: what other work leaves behind would be counted.
    idleMemory(),
    ...gets,
    watchLatency(),
    execOut('1.37', bytes),
    execIn('1.37', bytes),
    copyOut('1.37', bytes),
    copyIn('1.37', bytes),
    { ...execOut('1.20', bytes), once: true },
    { ...execIn('1.20', bytes), once: true },
  ];
}

/** One small object again and again, each client on a connection of its own. */
function get(content: string, clients: number, seconds: number): KubernetesWorkload {
  return {
    name: `get ${content} by ${clients}`,
    unit: 'calls/s',
    run: async (contender, { bed }) => {
      const args = ['get', '-clients', String(clients), '-seconds', String(seconds), '-content', content];
      const { result, ...cpu } = await measured(contender, async () =>
        bed.load(args, { kubeconfig: contender.kubeconfigs[0]! }),
      );
      const said = saidBy(result) as {
        rate: number;
        requests: number;
        errors: number;
        error?: string;
        latency: Latency;
      };
      if (said.errors > 0) throw new Error(`${contender.name}: ${said.error}`);
      const { p50, p99 } = said.latency;
      return { rate: said.rate, p50, p99, ...perUnit(cpu, said.requests / 1e6) };
    },
  };
}

/** From before an object is made, by somebody who goes to the API server itself, until its event is there. */
function watchLatency(): KubernetesWorkload {
  return {
    name: 'event of a watch',
    unit: 'ms',
    run: async (contender, { bed, contenders: [direct] }) => {
      const args = ['watch', '-events', String(EVENTS), '-writer', direct!.kubeconfigs[0]!];
      const { result, ...cpu } = await measured(contender, async () =>
        bed.load(args, { kubeconfig: contender.kubeconfigs[0]! }),
      );
      const { latency } = saidBy(result) as { latency: Latency };
      const { p50, p99 } = latency;
      return { rate: p50, p50, p99, ...perUnit(cpu, EVENTS / 1e6) };
    },
  };
}

interface Files {
  /** What goes to and fro, on this side and on the container's. */
  readonly here: string;
  readonly there: string;
  readonly sink: string;
}

type Transfer = (version: KubectlVersion, bytes: number) => KubernetesWorkload;

const execOut: Transfer = (version, bytes) =>
  transfer(`kubectl ${version} exec, out`, version, bytes, ({ sink }) => [
    [...CONTAINER, 'exec cat blob'],
    `< /dev/null > ${sink}`,
  ]);

const execIn: Transfer = (version, bytes) =>
  transfer(`kubectl ${version} exec, in`, version, bytes, ({ here }) => [
    [...CONTAINER, 'cat > sink; wc -c < sink'],
    `< ${here}`,
  ]);

const copyOut: Transfer = (version, bytes) =>
  transfer(`kubectl ${version} cp, out`, version, bytes, ({ sink }) => [
    ['-n', 'dev', 'cp', 'web-0:blob', sink],
    '',
  ]);

const copyIn: Transfer = (version, bytes) =>
  transfer(`kubectl ${version} cp, in`, version, bytes, ({ here }) => [
    ['-n', 'dev', 'cp', here, 'web-0:sink'],
    '',
  ]);

/** `command`: kubectl's arguments, and what of the shell's goes behind them. HAProxy, which records nothing, is no bar here. */
function transfer(
  name: string,
  version: KubectlVersion,
  bytes: number,
  command: (files: Files) => readonly [args: readonly string[], redirections: string],
): KubernetesWorkload {
  return {
    name,
    unit: 'MB/s',
    against: ['direct', 'custody'],
    run: async (contender, { bed }) => {
      const files = filesOf(bed, bytes);
      const [args, redirections] = command(files);
      const script = `exec "$0" "$@" ${redirections}`;
      const kubeconfig = contender.kubeconfigs[0]!;
      const begun = performance.now();
      const { result, ...cpu } = await measured(
        contender,
        async () =>
          bed.start('sh', ['-c', script, kubernetesTool(`kubectl-${version}`), ...args], {
            kubeconfig,
            timeout: TRANSFER_MS,
          }).exited,
      );
      const seconds = (performance.now() - begun) / 1000;
      if (result.code !== 0) throw new Error(`${contender.name}, ${name}: ${result.stderr}`);
      rmSync(files.sink, { force: true });
      return { rate: bytes / seconds / 1e6, ...perUnit(cpu, bytes / 1e9) };
    },
  };
}

/** Nothing that could be compressed: the worst case for the recorder. */
function filesOf(bed: KubernetesStage['bed'], bytes: number): Files {
  const [here, there] = [join(bed.folder, 'blob'), join(bed.podFolder('web-0'), 'blob')];
  if (!existsSync(here)) {
    const blob = randomBytes(bytes);
    for (const file of [here, there]) writeFileSync(file, blob);
  }
  return { here, there, sink: join(bed.folder, 'sink') };
}

/** What a process grows by when so many watches that see nothing come by it. */
function idleMemory(): KubernetesWorkload {
  return {
    name: `memory of ${IDLE_WATCHES} idle watches`,
    unit: 'KB/watch',
    once: true,
    against: ['haproxy', 'custody'],
    run: async ({ kubeconfigs, pids }, { bed }) => {
      await sleep(SETTLE_MS);
      const before = residentBytes(pids);
      const each = String(IDLE_WATCHES / kubeconfigs.length);
      const holders = kubeconfigs.map((kubeconfig) =>
        bed.start(kubernetesTool('loadclient'), ['idle', '-watches', each], {
          kubeconfig,
          timeout: TRANSFER_MS,
        }),
      );
      await Promise.all(holders.map((holder) => holder.saw('ready')));
      await sleep(SETTLE_MS);
      const bytes = residentBytes(pids) - before;
      for (const { process } of holders) process.stdin.end();
      await Promise.all(holders.map(({ exited }) => exited));
      return { rate: bytes / IDLE_WATCHES / 1000, cpu: Number.NaN, machineCpu: Number.NaN };
    },
  };
}

interface Latency {
  readonly p50: number;
  readonly p99: number;
}

function saidBy({ code, stdout, stderr }: Ran): unknown {
  if (code !== 0) throw new Error(stderr);
  return JSON.parse(stdout);
}

interface Cpu {
  readonly cpu: number;
  readonly machineCpu: number;
}

async function measured<T>(
  { pids }: KubernetesContender,
  work: () => Promise<T>,
): Promise<Cpu & { readonly result: T }> {
  const [own, machine] = [cpuSeconds(pids), machineCpuSeconds()];
  const result = await work();
  return { result, cpu: cpuSeconds(pids) - own, machineCpu: machineCpuSeconds() - machine };
}

function perUnit({ cpu, machineCpu }: Cpu, units: number): Cpu {
  return { cpu: cpu / units, machineCpu: machineCpu / units };
}
