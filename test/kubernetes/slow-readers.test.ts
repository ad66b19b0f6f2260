/** A client that does not read holds up the cluster, and fills neither the gateway's memory nor its disk. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { KubernetesBed } from './support/bed.ts';
import { KubernetesGateway } from './support/gateway.ts';
import { KUBECTLS } from './support/kubectl-operations.ts';

const SIZE = 120_000_000;
/** Of what one client has not read: far less than the whole. */
const MOST = 60_000_000;

let bed: KubernetesBed;
let gateway: KubernetesGateway;

beforeAll(async () => {
  bed = await KubernetesBed.start({ audit: false });
  gateway = await KubernetesGateway.start(bed);
});
afterAll(async () => {
  await gateway?.stop();
  await bed?.stop();
});

function residentBytes(pid: number): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) * 1024;
}

/** Of the container's command, by what it has read. */
async function untilSteady(progress: () => number): Promise<void> {
  for (let before = -1; before !== progress(); ) {
    before = progress();
    await new Promise((resume) => setTimeout(resume, 500));
  }
}

test.each(KUBECTLS.filter(({ name }) => name === '1.20' || name === '1.37'))(
  'kubectl $name, stopped in the middle of an exec',
  async ({ name, version, env }) => {
    const email = `${name.toLowerCase().replaceAll(/[^\w.]+/g, '-')}@example.com`;
    const kubeconfig = await gateway.kubeconfig({ email });
    await bed.kubectl(version, ['-n', 'dev', 'exec', 'web-0', '--', 'true'], { kubeconfig });
    const before = residentBytes(gateway.pid);
    const args = [
      '-n',
      'dev',
      'exec',
      'web-0',
      '--',
      'sh',
      '-c',
      `echo begun >&2; head -c ${SIZE} /dev/zero`,
    ];
    const running = bed.startKubectl(version, args, { kubeconfig, ...(env && { env }) });
    await running.saw('begun');
    running.process.kill('SIGSTOP');
    await untilSteady(() => residentBytes(gateway.pid));
    const grown = residentBytes(gateway.pid) - before;
    running.process.kill('SIGCONT');
    const ran = await running.exited;
    expect(grown).toBeLessThan(MOST);
    expect([ran.code, ran.bytes.length]).toEqual([0, SIZE]);
  },
);
