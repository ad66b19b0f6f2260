import { describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { demoCluster } from '#local/kubernetes/kubeconfig.ts';

const PEM = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n';
const KEY = '-----BEGIN EC PRIVATE KEY-----\nMIIB\n-----END EC PRIVATE KEY-----\n';
const base64 = (text: string) => Buffer.from(text).toString('base64');

const files = (cluster: object, user: object, more: object = {}) => ({
  '/home/dana/config': stringify({
    'current-context': 'dev',
    clusters: [{ name: 'c', cluster: { server: 'https://192.0.2.1:6443', ...cluster } }],
    users: [{ name: 'u', user }],
    contexts: [
      { name: 'dev', context: { cluster: 'c', user: 'u', namespace: 'shop' } },
      { name: 'broken', context: { cluster: 'c', user: 'nobody' } },
    ],
    ...more,
  }),
  '/home/dana/pki/ca.pem': PEM,
  '/home/dana/pki/me.pem': PEM,
  '/home/dana/pki/me.key': KEY,
});

function read(there: Readonly<Record<string, string>>, context?: string) {
  return demoCluster('/home/dana/config', context, (path) => {
    const found = there[path];
    if (found === undefined) throw new Error(`ENOENT ${path}`);
    return found;
  });
}

describe('the cluster of a kubeconfig', () => {
  test('with a token, and what is in the file itself', () => {
    const cluster = { 'certificate-authority-data': base64(PEM), 'tls-server-name': 'kubernetes' };
    expect(read(files(cluster, { token: 'abc' }))).toEqual({
      context: 'dev',
      namespace: 'shop',
      address: '192.0.2.1:6443',
      serverName: 'kubernetes',
      caPem: PEM,
      login: { kind: 'token', text: 'abc\n' },
    });
  });

  test('with files that stand beside it', () => {
    const user = { 'client-certificate': 'pki/me.pem', 'client-key': '/home/dana/pki/me.key' };
    const found = read(
      files({ server: 'https://api.example.com', 'certificate-authority': 'pki/ca.pem' }, user),
    );
    expect(found).toMatchObject({ address: 'api.example.com:443', caPem: PEM });
    expect(found.login).toEqual({ kind: 'certificate', text: `${PEM}${KEY}` });
  });

  test('with a certificate in the file itself, and a token that somebody renews', () => {
    const inline = { 'client-certificate-data': base64(PEM), 'client-key-data': base64(KEY) };
    expect(read(files({}, inline)).login).toEqual({ kind: 'certificate', text: `${PEM}${KEY}` });
    expect(read(files({ server: 'https://[2001:db8::1]:6443' }, { tokenFile: 'token' }))).toMatchObject({
      address: '[2001:db8::1]:6443',
      login: { kind: 'tokenFile', file: '/home/dana/token' },
    });
  });

  test.each([
    ['a program for the credential', {}, { exec: { command: 'aws' } }, 'by a program (exec)'],
    ['one of before', {}, { 'auth-provider': { name: 'gcp' } }, 'by a program (auth-provider)'],
    ['a password', {}, { username: 'a', password: 'b' }, 'has a password'],
    ['somebody else to act as', {}, { token: 't', as: 'root' }, 'acts as somebody else'],
    ['no login', {}, {}, 'neither a token nor a client certificate'],
    ['half a login', {}, { 'client-certificate': 'pki/me.pem' }, 'neither a token nor a client certificate'],
    [
      'no check of the server',
      { 'insecure-skip-tls-verify': true },
      { token: 't' },
      'insecure-skip-tls-verify',
    ],
    ['no TLS', { server: 'http://192.0.2.1' }, { token: 't' }, 'does not speak TLS'],
    ['no address', { server: 'nowhere' }, { token: 't' }, 'is no address'],
    ['a path', { server: 'https://rancher/k8s/clusters/c-1' }, { token: 't' }, 'has a path'],
    ['a proxy', { 'proxy-url': 'http://proxy' }, { token: 't' }, 'by a proxy'],
    ['a CA that is none', { 'certificate-authority-data': base64('x') }, { token: 't' }, 'is no PEM'],
  ])('is refused with %s', (_, cluster, user, words) => {
    expect(() => read(files(cluster, user))).toThrow(words);
  });

  test('is the one of a context that is named, and there', () => {
    const there = files({}, { token: 't' });
    expect(read(there, 'dev').context).toBe('dev');
    expect(() => read(there, 'prod')).toThrow(
      expect.objectContaining({ code: 'config-invalid', hint: 'choose one: --kube-context dev or broken' }),
    );
    expect(() => read(there, 'broken')).toThrow('names a user that it has not');
    expect(() => read({ '/home/dana/config': '' })).toThrow('cannot be used');
    expect(() => read({ '/home/dana/config': 'a: [' })).toThrow('it is no YAML');
    expect(() => read({ '/home/dana/config': 'clusters: {}' })).toThrow('at clusters');
  });
});
