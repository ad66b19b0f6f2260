import { mkdirSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { eventually } from '#test/support/clients.ts';
import { Api, collection } from './api.ts';
import { type AuditEvent, auditEvents } from './audit.ts';
import type { Certified } from './certificates.ts';
import { type Kubeconfig, kubeconfigText } from './kubeconfig.ts';
import { type Ran, Running, type RunOptions, run } from './run.ts';
import {
  apiServerArguments,
  etcdArguments,
  kubeletArguments,
  NODE,
  type ServerFiles,
  ServerProcess,
  serverFiles,
} from './server-processes.ts';
import { type KubectlVersion, kubernetesTool, root } from './tools.ts';

export interface BedOptions {
  /** Whether the API server writes its audit log: it costs time that a measurement should not pay. */
  readonly audit?: boolean;
}

/**
 * A real Kubernetes of one test: kube-apiserver, etcd, and a kubelet whose containers are processes of this machine.
 * Its audit log is what recordings are compared with.
 */
export class KubernetesBed {
  readonly folder: string;
  /** `https://127.0.0.1:PORT`. */
  readonly url: string;
  /** PEM. */
  readonly ca: string;
  readonly caFile: string;
  /** A kubeconfig that may everything, directly. */
  readonly adminKubeconfig: string;
  readonly api: Api;
  /** Of the service account of docs/kubernetes/gateway-rbac.yaml. */
  readonly gatewayToken: string;
  readonly gatewayTokenFile: string;
  /** A client certificate that may do the same. */
  readonly gatewayCertificate: Certified;
  /** Process ids, for who measures memory. */
  readonly pids: { readonly apiServer: number; readonly kubelet: number };
  readonly #files: ServerFiles;
  readonly #servers: readonly ServerProcess[];
  #kubeconfigs = 0;

  private constructor(made: Made) {
    this.#files = made.files;
    this.#servers = made.servers;
    this.api = made.api;
    this.folder = made.files.folder;
    this.url = `https://127.0.0.1:${made.files.ports.api}`;
    this.ca = made.files.authority.ca;
    this.caFile = join(this.folder, 'ca.pem');
    this.adminKubeconfig = made.adminKubeconfig;
    this.gatewayToken = made.gatewayToken;
    this.gatewayTokenFile = join(this.folder, 'gateway-token');
    this.gatewayCertificate = made.gatewayCertificate;
    this.pids = { apiServer: made.servers[1]!.pid, kubelet: made.servers[0]!.pid };
  }

  static async start({ audit = true }: BedOptions = {}): Promise<KubernetesBed> {
    const folder = await mkdtemp(join(tmpdir(), 'custody-kubernetes-'));
    const files = await serverFiles(folder);
    const servers: ServerProcess[] = [];
    try {
      const made = await startServers(files, audit, servers);
      const bed = new KubernetesBed({ files, servers, ...made });
      await writeFile(bed.gatewayTokenFile, bed.gatewayToken);
      return bed;
    } catch (error) {
      await stopServers(servers);
      throw error;
    }
  }

  /** The kubelet, then the API server, then etcd: the other way round the API server waits for etcd. */
  async stop(): Promise<void> {
    this.api.close();
    await stopServers(this.#servers);
    await rm(this.folder, { recursive: true, force: true });
  }

  /** A client certificate that the API server takes. */
  async certificate(user: string, groups: readonly string[] = []): Promise<Certified> {
    return this.#files.authority.issue({ name: user, groups });
  }

  /** A kubeconfig that talks to the API server itself as this user. */
  async kubeconfig(user: string, groups: readonly string[] = []): Promise<string> {
    const { cert, key } = await this.certificate(user, groups);
    return this.writeKubeconfig({ server: this.url, ca: this.ca, cert, key });
  }

  /** A kubeconfig of any kind, for instance one that talks through a gateway; its path. */
  async writeKubeconfig(config: Kubeconfig): Promise<string> {
    this.#kubeconfigs += 1;
    const file = join(this.folder, `kubeconfig-${this.#kubeconfigs}.yaml`);
    await writeFile(file, kubeconfigText('bed', config), { mode: 0o600 });
    return file;
  }

  /** Where a pod has its files. */
  podFolder(name: string, namespace = 'dev'): string {
    return join(this.folder, 'pods', namespace, name);
  }

  /** What the API server says it was asked, in order. */
  async audit(): Promise<AuditEvent[]> {
    return auditEvents(join(this.folder, 'audit.log'));
  }

  /** Waits for an event: the log is written as a response ends, which a client may see first. */
  async audited(what: string, is: (event: AuditEvent) => boolean): Promise<AuditEvent> {
    return eventually(what, async () => (await this.audit()).find(is));
  }

  async kubectl(version: KubectlVersion, args: readonly string[], options: RunOptions = {}): Promise<Ran> {
    return run(kubernetesTool(`kubectl-${version}`), args, this.#with(`kubectl-${version}`, options));
  }

  /** kubectl while it runs: `logs -f`, `get --watch`, `port-forward`. */
  startKubectl(version: KubectlVersion, args: readonly string[], options: RunOptions = {}): Running {
    return this.start(kubernetesTool(`kubectl-${version}`), args, options, `kubectl-${version}`);
  }

  async helm(args: readonly string[], options: RunOptions = {}): Promise<Ran> {
    return run(kubernetesTool('helm'), args, this.#with('helm', options));
  }

  /** A script for the Python that has the `kubernetes` package. */
  async python(script: string, options: RunOptions = {}): Promise<Ran> {
    return run(kubernetesTool('python/bin/python'), ['-c', script], this.#with('python', options));
  }

  /** The client-go program: test/kubernetes/bed/loadclient. */
  async load(args: readonly string[], options: RunOptions = {}): Promise<Ran> {
    return run(kubernetesTool('loadclient'), args, this.#with('load', options));
  }

  /** Any program, with a HOME of its own and the kubeconfig in its environment. */
  start(command: string, args: readonly string[], options: RunOptions = {}, home = 'other'): Running {
    return new Running(command, args, this.#with(home, options));
  }

  /** Clients keep what they discovered in HOME: one for each client and kubeconfig keeps them from each other's. */
  #with(client: string, options: RunOptions): RunOptions {
    const kubeconfig = options.kubeconfig ?? this.adminKubeconfig;
    const home = join(this.folder, 'homes', `${client}-${kubeconfig.replaceAll('/', '_')}`);
    mkdirSync(home, { recursive: true });
    const env = { ...(process.env as Record<string, string>), HOME: home, KUBECONFIG: kubeconfig };
    return { cwd: home, ...options, env: { ...env, ...options.env } };
  }
}

interface Started {
  readonly api: Api;
  readonly adminKubeconfig: string;
  readonly gatewayToken: string;
  readonly gatewayCertificate: Certified;
}

interface Made extends Started {
  readonly files: ServerFiles;
  readonly servers: readonly ServerProcess[];
}

/** Fills `servers` in the order in which they are stopped. */
async function startServers(files: ServerFiles, audit: boolean, servers: ServerProcess[]): Promise<Started> {
  const { folder, authority, ports } = files;
  const url = `https://127.0.0.1:${ports.api}`;
  servers.unshift(new ServerProcess('etcd', etcdArguments(files), folder));
  servers.unshift(new ServerProcess('kube-apiserver', apiServerArguments(files, audit), folder));
  const [admin, own, gatewayCertificate] = await Promise.all([
    authority.issue({ name: 'admin', groups: ['system:masters'] }),
    authority.issue({ name: 'custody-bed', groups: ['system:masters'] }),
    authority.issue({ name: 'custody-gateway' }),
  ]);
  const node = await authority.issue({ name: `system:node:${NODE}`, groups: ['system:masters'] });
  const adminKubeconfig = join(folder, 'admin.yaml');
  const nodeKubeconfig = join(folder, 'node.yaml');
  await writeFile(adminKubeconfig, kubeconfigText('admin', { server: url, ca: authority.ca, ...admin }));
  await writeFile(nodeKubeconfig, kubeconfigText('node', { server: url, ca: authority.ca, ...node }));
  const api = new Api({ url, ca: authority.ca, ...own });
  await eventually('the API server', async () => ready(api, servers), 60_000);
  servers.unshift(new ServerProcess('fakekubelet', kubeletArguments(files, nodeKubeconfig), folder));
  await furnish(api, files);
  const { status } = await api.post<{ status: { token: string } }>(
    '/api/v1/namespaces/custody/serviceaccounts/custody-gateway/token',
    { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds: 86_400 } },
  );
  await eventually('pods and the aggregated API', async () => furnished(api, servers), 60_000);
  return { api, adminKubeconfig, gatewayToken: status.token, gatewayCertificate };
}

async function ready(api: Api, servers: readonly ServerProcess[]): Promise<true | undefined> {
  for (const server of servers) await server.alive();
  const answer = await api.send('GET', '/readyz').catch(() => undefined);
  return answer?.status === 200 ? true : undefined;
}

/** What every cluster of a bed has. */
async function furnish(api: Api, files: ServerFiles): Promise<void> {
  for (const object of clusterParts(files)) await api.post(collection(object), object);
  for (const file of ['docs/kubernetes/gateway-rbac.yaml', 'test/kubernetes/support/cluster.yaml']) {
    for (const document of parseAllDocuments(await readFile(root(file), 'utf8'))) {
      const object = document.toJS() as Parameters<typeof collection>[0];
      await api.post(collection(object), object);
    }
  }
}

/** The node, and the aggregated API that its kubelet serves too. */
function clusterParts({ ports: { kubelet: port }, authority }: ServerFiles) {
  const address = { type: 'InternalIP', address: '127.0.0.1' };
  return [
    {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name: NODE },
      status: {
        addresses: [address],
        daemonEndpoints: { kubeletEndpoint: { Port: port } },
        conditions: [{ type: 'Ready', status: 'True' }],
        capacity: { cpu: '2', memory: '4Gi', pods: '110' },
        allocatable: { cpu: '2', memory: '4Gi', pods: '110' },
      },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'metrics', namespace: 'kube-system' },
      spec: { type: 'ExternalName', externalName: 'localhost' },
    },
    {
      apiVersion: 'apiregistration.k8s.io/v1',
      kind: 'APIService',
      metadata: { name: 'v1beta1.metrics.k8s.io' },
      spec: {
        group: 'metrics.k8s.io',
        version: 'v1beta1',
        groupPriorityMinimum: 100,
        versionPriority: 100,
        caBundle: Buffer.from(authority.ca).toString('base64'),
        service: { name: 'metrics', namespace: 'kube-system', port },
      },
    },
  ];
}

async function furnished(api: Api, servers: readonly ServerProcess[]): Promise<true | undefined> {
  for (const server of servers) await server.alive();
  const pods = await api.get<{ items: { status: { containerStatuses?: { ready: boolean }[] } }[] }>(
    '/api/v1/namespaces/dev/pods',
  );
  const answers = await Promise.all([
    api.send('GET', '/apis/metrics.k8s.io/v1beta1/nodes'),
    api.send('GET', '/apis/example.com/v1/widgets'),
  ]);
  const running =
    pods.items.length === 2 && pods.items.every(({ status }) => status.containerStatuses?.[0]?.ready);
  return running && answers.every(({ status }) => status === 200) ? true : undefined;
}

/** The kubelet, which is there only after the others, ends its pods' processes first. */
async function stopServers(servers: readonly ServerProcess[]): Promise<void> {
  for (const server of servers) await server.stop(server.name === 'fakekubelet' ? 'SIGTERM' : 'SIGKILL');
}
