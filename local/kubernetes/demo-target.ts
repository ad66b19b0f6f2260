/** The cluster of --kubeconfig in the demo's custody.yaml, and what the gateway logs in there with in the data folder. */
import { chmodSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { DemoCluster } from './kubeconfig.ts';

export const CLUSTER = 'cluster';
/** Of lines that follow the kubeconfig of a start, while they carry it. */
const MARK = '# set by npm start --kubeconfig';

/** From the data folder, as custody.yaml names them. */
const SECRET = `secrets/${CLUSTER}`;
const CA = `tls/${CLUSTER}-ca.pem`;

export interface ClusterFiles {
  readonly secret: string;
  readonly ca: string;
}

/** Owner-only from the first byte. */
export function keepCluster({ secret, ca }: ClusterFiles, { login, caPem }: DemoCluster): void {
  if (login.kind !== 'tokenFile') keep(secret, login.text);
  if (caPem !== undefined) keep(ca, caPem);
}

function keep(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  writeFileSync(`${file}.new`, text, { mode: 0o600 });
  chmodSync(`${file}.new`, 0o600);
  renameSync(`${file}.new`, file);
}

/** The text with the target, and with a rule for it where it had none; what the person made of either stays. */
export function withCluster(text: string, cluster: DemoCluster): string {
  const lines = linesOf(cluster);
  if (new RegExp(`^  ${CLUSTER}:`, 'm').test(text))
    return text.replace(
      new RegExp(`^( +)(address|credential|tls): .*${MARK}$`, 'gm'),
      (_, indent: string, key: keyof typeof lines) => `${indent}${key}: ${lines[key]} ${MARK}`,
    );
  const withTarget = atEndOf(text, 'targets', targetText(lines));
  return atEndOf(withTarget, 'rules', RULE);
}

function linesOf({ address, serverName, caPem, login }: DemoCluster) {
  const file = login.kind === 'tokenFile' ? JSON.stringify(login.file) : SECRET;
  const tls = [
    ...(caPem === undefined ? [] : [`caFile: ${CA}`]),
    ...(serverName === undefined ? [] : [`serverName: ${JSON.stringify(serverName)}`]),
  ];
  return {
    address,
    credential: `{ ${login.kind === 'certificate' ? 'certificateFile' : 'tokenFile'}: ${file} }`,
    tls: tls.length === 0 ? '{}' : `{ ${tls.join(', ')} }`,
  };
}

function targetText({ address, credential, tls }: ReturnType<typeof linesOf>): string {
  return `  ${CLUSTER}: # custody connect ${CLUSTER} -- kubectl get pods
    protocol: kubernetes
    address: ${address} ${MARK}
    credential: ${credential} ${MARK}
    tls: ${tls} ${MARK}
    withhold: [secrets] # clients get them; their values are in no recording
`;
}

const RULE = `  - name: developers-cluster
    groups: [developers]
    targets: [${CLUSTER}]
    allow: [connect]
    kubernetes:
      as: { groups: ['custody:{groups}'] } # whom the cluster sees: the user custody:EMAIL in custody:developers
      # calls: [{ verbs: [read] }, { verbs: [create], resources: [pods/exec], namespaces: [dev] }] # and nothing else
`;

/** Of a block of YAML: behind the last line that is indented more than its key. */
function atEndOf(text: string, key: string, added: string): string {
  const lines = text.split('\n');
  const start = lines.findIndex((line) => new RegExp(`^${key}:\\s*(?:#.*)?$`).test(line));
  if (start === -1) return text;
  const next = lines.findIndex((line, at) => at > start && /^[^\s#]/.test(line));
  const within = lines.slice(0, next === -1 ? undefined : next);
  const last = within.findLastIndex((line) => /^\s+\S/.test(line) || line.startsWith(`${key}:`));
  return [...lines.slice(0, last + 1), added.trimEnd(), ...lines.slice(last + 1)].join('\n');
}
