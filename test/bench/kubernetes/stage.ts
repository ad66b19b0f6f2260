import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { NODE_FLAGS } from '#proxy/node-flags.ts';
import { KubernetesBed } from '#test/kubernetes/support/bed.ts';
import { KubernetesGateway } from '#test/kubernetes/support/gateway.ts';
import { eventually } from '#test/support/clients.ts';
import { freePort } from '#test/support/moto.ts';

/**
 * One way to the same API server. HAProxy ends TLS on both sides and shows a token of its own, as the gateway does: once a
 * developer's, and once the gateway's with the words of an impersonation, which the API server takes time to look at. All show
 * tokens: of a client certificate the API server checks the signatures at every request.
 */
export interface KubernetesContender {
  readonly name: 'direct' | 'haproxy' | 'haproxy-impersonating' | 'custody';
  /** One for each session that a workload wants; most want the first. */
  readonly kubeconfigs: readonly string[];
  /** The processes between client and API server. */
  readonly pids: readonly number[];
}

export interface KubernetesStage {
  readonly bed: KubernetesBed;
  readonly gateway: KubernetesGateway;
  readonly contenders: readonly KubernetesContender[];
  stop(): Promise<void>;
}

/** A session has 400 calls at once: more idle watches than that are of several people. */
const SESSIONS = 4;
const PERSON = 'dana@example.com';
const GROUP = 'custody:developers';
/** kubectl asks for a name where it has no credential. */
const UNUSED = 'not-looked-at';

/** `nodeFlags`: of the gateway's node, after those it has in the image. */
export async function setKubernetesStage(nodeFlags: readonly string[]): Promise<KubernetesStage> {
  const bed = await KubernetesBed.start({ audit: false });
  const stops = [async () => bed.stop()];
  const stop = async (): Promise<void> => {
    for (const one of stops.toReversed()) await one();
  };
  try {
    const flags = [...NODE_FLAGS, ...nodeFlags];
    const gateway = await KubernetesGateway.start(bed, { nodeFlags: flags });
    stops.push(async () => gateway.stop());
    return { bed, gateway, contenders: await contendersOf({ bed, gateway }, stops), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** `stops`: what ends them is put behind the others. */
async function contendersOf(
  place: Place,
  stops: (() => Promise<void>)[],
): Promise<readonly KubernetesContender[]> {
  const { bed, gateway } = place;
  const token = await tokenOfDeveloper(bed);
  const direct = await bed.writeKubeconfig({ server: bed.url, ca: bed.ca, token });
  const start = async (says: readonly string[]): Promise<Haproxy> => {
    const haproxy = await startHaproxy(place, says);
    stops.push(async () => void haproxy.child.kill('SIGKILL'));
    return haproxy;
  };
  const plain = await start([`Authorization "Bearer ${token}"`]);
  const impersonating = await start([
    `Authorization "Bearer ${bed.gatewayToken}"`,
    `Impersonate-User ${PERSON}`,
    `Impersonate-Group ${GROUP}`,
  ]);
  const through = async ({ port }: Haproxy): Promise<string> =>
    bed.writeKubeconfig({ server: `https://127.0.0.1:${port}`, ca: gateway.ca, token: UNUSED });
  const people = Array.from({ length: SESSIONS }, (_, at) => `bench-${at}@example.com`);
  const groups = ['developers'];
  const own = await Promise.all(people.map((email) => gateway.kubeconfig({ email, groups })));
  const same = (kubeconfig: string): string[] => people.map(() => kubeconfig);
  return [
    { name: 'direct', kubeconfigs: same(direct), pids: [] },
    { name: 'haproxy', kubeconfigs: same(await through(plain)), pids: [plain.pid] },
    {
      name: 'haproxy-impersonating',
      kubeconfigs: same(await through(impersonating)),
      pids: [impersonating.pid],
    },
    { name: 'custody', kubeconfigs: own, pids: [gateway.pid] },
  ];
}

async function tokenOfDeveloper(bed: KubernetesBed): Promise<string> {
  const [accounts, name] = ['/api/v1/namespaces/dev/serviceaccounts', 'bench'];
  await bed.api.post(accounts, { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name } });
  await bed.api.post('/apis/rbac.authorization.k8s.io/v1/namespaces/dev/rolebindings', {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'RoleBinding',
    metadata: { name },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'developers' },
    subjects: [{ kind: 'ServiceAccount', name, namespace: 'dev' }],
  });
  const { status } = await bed.api.post<{ status: { token: string } }>(`${accounts}/${name}/token`, {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: { expirationSeconds: 86_400 },
  });
  return status.token;
}

interface Haproxy {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly port: number;
}

interface Place {
  readonly bed: KubernetesBed;
  readonly gateway: KubernetesGateway;
}

/** One thread, as the gateway's relay is. */
async function startHaproxy({ bed, gateway }: Place, says: readonly string[]): Promise<Haproxy> {
  const port = await freePort();
  const place = join(bed.folder, `haproxy-${port}`);
  const tls = join(gateway.dataDir, 'tls');
  const pem = ['gateway.pem', 'gateway.key'].map((file) => readFileSync(join(tls, file), 'utf8'));
  writeFileSync(`${place}.pem`, pem.join('\n'), { mode: 0o600 });
  const lines = [
    'global',
    'nbthread 1',
    'maxconn 4000',
    'defaults',
    'mode http',
    'timeout connect 5s',
    'timeout client 1h',
    'timeout server 1h',
    'timeout tunnel 1h',
    'listen kubernetes',
    `bind 127.0.0.1:${port} ssl crt ${place}.pem alpn h2,http/1.1`,
    ...says.map((header) => `http-request set-header ${header}`),
    `server api ${bed.url.replace('https://', '')} ssl verify required ca-file ${bed.caFile}`,
    '',
  ];
  writeFileSync(`${place}.cfg`, lines.join('\n'));
  const child = spawn('haproxy', ['-db', '-q', '-f', `${place}.cfg`], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const kubeconfig = await bed.writeKubeconfig({
    server: `https://127.0.0.1:${port}`,
    ca: gateway.ca,
    token: UNUSED,
  });
  let said = '';
  await eventually('HAProxy', async () => {
    const ran = await bed.kubectl('1.37', ['-n', 'dev', 'get', 'pod', 'web-0'], { kubeconfig });
    said = ran.stderr;
    return ran.code === 0 ? true : undefined;
  }).catch((cause: unknown) => {
    child.kill('SIGKILL');
    throw new Error(`HAProxy (apt-get install haproxy) does not pass requests: ${said}`, { cause });
  });
  return { child, pid: child.pid!, port };
}
