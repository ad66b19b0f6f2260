import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { clusterAddresses, demoKubernetes, kubernetesPart, refuseWithout } from '#local/kubernetes/demo.ts';
import { demoConfig } from '#local/setup/demo-config.ts';
import { readSettings } from '#local/setup/settings.ts';

const PEM = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n';

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'custody-demo-cluster-'))));
afterEach(() => rmSync(folder, { recursive: true }));

function kubeconfig(server: string, user: object): string {
  const file = join(folder, 'kubeconfig');
  const value = {
    'current-context': 'dev',
    clusters: [
      { name: 'c', cluster: { server, 'certificate-authority-data': Buffer.from(PEM).toString('base64') } },
    ],
    users: [{ name: 'u', user }],
    contexts: [{ name: 'dev', context: { cluster: 'c', user: 'u' } }],
  };
  writeFileSync(file, JSON.stringify(value));
  return file;
}

function start(args: readonly string[], prepare?: (config: string) => void) {
  const settings = readSettings(['--data-dir', folder, ...args]);
  const file = join(folder, 'custody.yaml');
  prepare?.(file);
  const cluster = demoKubernetes(settings);
  const config = demoConfig(file, settings, undefined, cluster);
  refuseWithout(config, cluster);
  return { config, cluster, settings, text: readFileSync(file, 'utf8') };
}

describe("the demo's cluster", () => {
  test('is a target, with a rule for developers and a login that only we read', () => {
    const { config } = start(['--kubeconfig', kubeconfig('https://192.0.2.1:6443', { token: 'abc' })]);
    expect(config.targets.get('cluster')).toMatchObject({
      protocol: 'kubernetes',
      address: { host: '192.0.2.1', port: 6443 },
      credential: { tokenFile: 'secrets/cluster' },
      tls: { caFile: 'tls/cluster-ca.pem' },
      withhold: ['secrets'],
    });
    const rule = config.rules.find(({ targets }) => targets.includes('cluster'))!;
    expect(rule).toMatchObject({
      groups: ['developers'],
      kubernetes: { as: { groups: ['custody:{groups}'] } },
    });
    expect(readFileSync(join(folder, 'secrets', 'cluster'), 'utf8')).toBe('abc\n');
    expect(statSync(join(folder, 'secrets', 'cluster')).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(folder, 'tls', 'cluster-ca.pem'), 'utf8')).toBe(PEM);
  });

  test('goes into a custody.yaml of before, with everything that is there', () => {
    const before = start([]);
    const { config, text } = start(['--kubeconfig', kubeconfig('https://192.0.2.1:6443', { token: 'abc' })]);
    expect([...config.targets.keys()]).toEqual([...before.config.targets.keys(), 'cluster']);
    expect(config.rules).toHaveLength(before.config.rules.length + 1);
    const lines = text.split('\n');
    for (const line of before.text.split('\n')) expect(lines).toContain(line);
  });

  test('follows the kubeconfig of a start, and keeps what a person made of the rest', () => {
    start(['--kubeconfig', kubeconfig('https://192.0.2.1:6443', { token: 'abc' })]);
    const tokenFile = join(folder, 'with "quotes"');
    const second = start(['--kubeconfig', kubeconfig('https://api.example.com', { tokenFile })], (file) =>
      writeFileSync(
        file,
        readFileSync(file, 'utf8').replace('withhold: [secrets]', 'withhold: [configmaps]'),
      ),
    );
    expect(second.config.targets.get('cluster')).toMatchObject({
      address: { host: 'api.example.com', port: 443 },
      credential: { tokenFile },
      withhold: ['configmaps'],
    });
    expect(second.text.match(/developers-cluster/g)).toHaveLength(1);
    const third = start([]);
    expect(third.text).toBe(second.text);
    expect(kubernetesPart(third.config, { host: 'localhost', port: 1 }, third.settings.ports)).toEqual({
      kubernetes: { host: 'localhost', port: 7443 },
    });
  });

  test('is not there where nobody wants it', () => {
    const { config, cluster, settings } = start([]);
    expect(cluster).toBeUndefined();
    const part = kubernetesPart(config, { host: 'localhost', port: 1 }, settings.ports);
    expect(part).toEqual({});
    expect(clusterAddresses(part, cluster)).toEqual({});
  });

  test('is refused where custody.yaml is of a form that it cannot be put into', () => {
    const text = (file: string) =>
      writeFileSync(
        file,
        'version: 1\nidentity: { issuer: http://127.0.0.1:7401, audience: custody, groupsClaim: groups }\ntargets: {}\n',
      );
    expect(() => start(['--kubeconfig', kubeconfig('https://192.0.2.1', { token: 'abc' })], text)).toThrow(
      expect.objectContaining({ hint: expect.stringContaining('by hand') as string }),
    );
  });

  test('is of a file that there is, and of a context of one', () => {
    expect(() => start(['--kubeconfig', join(folder, 'none')])).toThrow('ENOENT');
    expect(() => readSettings(['--kube-context', 'dev'])).toThrow('--kube-context is of a kubeconfig');
  });
});
