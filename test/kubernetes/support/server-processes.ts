import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { AUDIT_POLICY } from './audit.ts';
import { Authority, type Certified, signingKey } from './certificates.ts';
import { kubernetesTool } from './tools.ts';

export const NODE = 'node-1';
/** How the aggregated API is called by who proxies to it. */
const METRICS = 'metrics.kube-system.svc';

/** What the servers of a bed are started with. */
export interface ServerFiles {
  readonly folder: string;
  readonly authority: Authority;
  readonly ports: {
    readonly etcd: number;
    readonly peer: number;
    readonly api: number;
    readonly kubelet: number;
  };
}

export async function serverFiles(folder: string): Promise<ServerFiles> {
  const authority = await Authority.make('custody-bed');
  const [server, caller, kubelet, tokens] = await Promise.all([
    authority.issue({ name: 'kube-apiserver' }),
    authority.issue({ name: 'custody-bed-caller' }),
    authority.issue({ name: 'kubelet', dns: [METRICS] }),
    signingKey(),
  ]);
  const certificates = { server, caller, kubelet };
  await Promise.all([
    writeFile(join(folder, 'ca.pem'), authority.ca),
    writeFile(join(folder, 'tokens.key'), tokens.key),
    writeFile(join(folder, 'tokens.pub'), tokens.publicKey),
    writeFile(join(folder, 'audit.yaml'), AUDIT_POLICY),
    ...Object.entries(certificates).map(async ([name, certified]) => writeCertified(folder, name, certified)),
  ]);
  const [etcd, peer, api, kubeletPort] = await freePorts(4);
  return { folder, authority, ports: { etcd: etcd!, peer: peer!, api: api!, kubelet: kubeletPort! } };
}

async function writeCertified(folder: string, name: string, { cert, key }: Certified): Promise<void> {
  await writeFile(join(folder, `${name}.pem`), cert);
  await writeFile(join(folder, `${name}.key`), key);
}

/** Throwaway state: nothing is synced to disk. */
export function etcdArguments({ folder, ports }: ServerFiles): string[] {
  const client = `http://127.0.0.1:${ports.etcd}`;
  const peer = `http://127.0.0.1:${ports.peer}`;
  return [
    `--data-dir=${join(folder, 'etcd')}`,
    '--unsafe-no-fsync',
    `--listen-client-urls=${client}`,
    `--advertise-client-urls=${client}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=default=${peer}`,
    '--log-level=warn',
  ];
}

export function apiServerArguments({ folder, ports }: ServerFiles, audit: boolean): string[] {
  const at = (file: string) => join(folder, file);
  return [
    `--etcd-servers=http://127.0.0.1:${ports.etcd}`,
    `--secure-port=${ports.api}`,
    '--bind-address=127.0.0.1',
    '--advertise-address=127.0.0.1',
    `--tls-cert-file=${at('server.pem')}`,
    `--tls-private-key-file=${at('server.key')}`,
    `--client-ca-file=${at('ca.pem')}`,
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-key-file=${at('tokens.pub')}`,
    `--service-account-signing-key-file=${at('tokens.key')}`,
    '--service-cluster-ip-range=10.0.0.0/24',
    '--authorization-mode=RBAC',
    `--kubelet-client-certificate=${at('caller.pem')}`,
    `--kubelet-client-key=${at('caller.key')}`,
    `--kubelet-certificate-authority=${at('ca.pem')}`,
    '--kubelet-preferred-address-types=InternalIP',
    `--proxy-client-cert-file=${at('caller.pem')}`,
    `--proxy-client-key-file=${at('caller.key')}`,
    `--requestheader-client-ca-file=${at('ca.pem')}`,
    '--requestheader-allowed-names=custody-bed-caller',
    '--requestheader-username-headers=X-Remote-User',
    '--requestheader-group-headers=X-Remote-Group',
    '--requestheader-extra-headers-prefix=X-Remote-Extra-',
    '--disable-admission-plugins=ServiceAccount,TaintNodesByCondition',
    '--endpoint-reconciler-type=none',
    '--enable-priority-and-fairness=false',
    '--profiling=false',
    // Alpha, and what a gateway has to pass all the same.
    '--feature-gates=CBORServingAndStorage=true',
    ...(audit ? [`--audit-policy-file=${at('audit.yaml')}`, `--audit-log-path=${at('audit.log')}`] : []),
  ];
}

export function kubeletArguments({ folder, ports }: ServerFiles, kubeconfig: string): string[] {
  const at = (file: string) => join(folder, file);
  return [
    `-kubeconfig=${kubeconfig}`,
    `-node=${NODE}`,
    `-root=${folder}`,
    `-listen=127.0.0.1:${ports.kubelet}`,
    `-cert=${at('kubelet.pem')}`,
    `-key=${at('kubelet.key')}`,
    `-client-ca=${at('ca.pem')}`,
  ];
}

/** A server of the bed, with its log in the bed's folder. */
export class ServerProcess {
  readonly name: string;
  readonly log: string;
  readonly #child: ChildProcess;
  readonly #gone: Promise<void>;
  #ended = false;

  constructor(name: string, args: readonly string[], folder: string) {
    this.name = name;
    this.log = join(folder, `${name}.log`);
    const log = openSync(this.log, 'w');
    this.#child = spawn(kubernetesTool(name), args, { cwd: folder, stdio: ['ignore', log, log] });
    closeSync(log);
    // Also when the tests end without a word.
    const kill = () => this.#child.kill('SIGKILL');
    process.once('exit', kill);
    this.#gone = new Promise((resolve) => {
      const ended = () => {
        process.off('exit', kill);
        this.#ended = true;
        resolve();
      };
      this.#child.once('exit', ended);
      this.#child.once('error', ended);
    });
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** An error with the end of its log when it runs no longer. */
  async alive(): Promise<void> {
    if (this.#ended) throw new Error(`it ended: ${(await readFile(this.log, 'utf8')).slice(-3000)}`);
  }

  async stop(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    this.#child.kill(signal);
    await this.#gone;
  }
}

/** Below the ports that the system gives to whoever asks for any, so that no connection takes one meanwhile. */
async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  while (ports.size < count) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    if (await isFree(port)) ports.add(port);
  }
  return [...ports];
}

async function isFree(port: number): Promise<boolean> {
  const probe = createServer();
  return new Promise((resolve) => {
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}
