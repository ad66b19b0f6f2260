import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { Target } from '#cli/api-shapes.ts';
import { processCli } from '#cli/cli.ts';
import { kubernetesKit } from '#cli/clients/kubernetes.ts';
import { openHome } from '#cli/home.ts';
import { personsKubeconfig } from '#cli/kubernetes/kubeconfig-file.ts';
import { custody, temporary } from '../support.ts';
import { CA, clusterApi, PROD } from './support.ts';

const DEV = { ...PROD, name: 'dev', host: '2001:db8::7', caPem: null };
const DATABASE = { ...PROD, name: 'orders-db', protocol: 'postgres', database: 'orders-db' };

interface Kubeconfig {
  readonly 'current-context': string;
  readonly clusters: readonly { readonly name: string; readonly cluster: Record<string, unknown> }[];
  readonly users: readonly {
    readonly name: string;
    readonly user: { readonly exec: Exec; readonly tokenFile?: string };
  }[];
  readonly contexts: readonly { readonly name: string; readonly context: Record<string, unknown> }[];
}
interface Exec {
  readonly apiVersion: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: readonly { readonly name: string; readonly value: string }[];
  readonly interactiveMode: string;
}
const read = (text: string): Kubeconfig => parse(text) as Kubeconfig;

describe('custody kubeconfig', () => {
  test('prints all clusters, by the path of each, with the CA and a program for the credential', async () => {
    const { env } = await clusterApi(PROD, DEV, DATABASE);
    const ran = await custody(['kubeconfig'], { env });
    expect(ran.code).toBe(0);
    const { clusters, users, contexts, ...rest } = read(ran.stdout);
    expect(rest['current-context']).toBe('custody-prod');
    expect(
      clusters.map(({ name, cluster }) => [name, cluster['server'], cluster['certificate-authority-data']]),
    ).toEqual([
      ['custody-prod', 'https://gateway.example.com:7443/clusters/prod', Buffer.from(CA).toString('base64')],
      ['custody-dev', 'https://[2001:db8::7]:7443/clusters/dev', undefined],
    ]);
    expect(users[0]!.user.exec).toMatchObject({
      apiVersion: 'client.authentication.k8s.io/v1',
      command: process.execPath,
      interactiveMode: 'IfAvailable',
      env: [
        { name: 'CUSTODY_HOME', value: env.CUSTODY_HOME },
        { name: 'CUSTODY_API', value: `${env.CUSTODY_API}/` },
      ],
    });
    expect(users[0]!.user.exec.args.slice(1)).toEqual(['kubernetes-credential', '--target', 'prod']);
    expect(contexts.map(({ context }) => context['user'])).toEqual(['custody-prod', 'custody-dev']);
    expect(ran.stdout).not.toContain(env.CUSTODY_TOKEN);
  });

  test('security case 15: has no secret, and a program whose arguments have none', async () => {
    const { env } = await clusterApi();
    await custody(['ssh-login', '--new'], { env });
    const { stdout } = await custody(['kubeconfig'], { env: { ...env, CUSTODY_REASON: 'x' } });
    expect(stdout).not.toContain(env.CUSTODY_TOKEN);
    expect(stdout).not.toMatch(/PRIVATE KEY|client-key|token/i);
  });

  test('names one, its namespace, other names, and the version that an old kubectl knows', async () => {
    const { env } = await clusterApi(PROD, DEV);
    const options = ['--namespace', 'shop', '--prefix', 'gw-', '--exec-api', 'v1beta1'];
    const { contexts, users } = read((await custody(['kubeconfig', 'dev', ...options], { env })).stdout);
    expect(contexts).toMatchObject([{ name: 'gw-dev', context: { namespace: 'shop' } }]);
    expect(users[0]!.user.exec.apiVersion).toBe('client.authentication.k8s.io/v1beta1');
  });

  test('goes into the kubeconfig of a person, who alone may read it, with what it was beside it', async () => {
    const { api, env } = await clusterApi(PROD, DEV);
    const HOME = temporary();
    const file = join(HOME, '.kube', 'config');
    mkdirSync(dirname(file));
    const mine =
      'apiVersion: v1\nkind: Config\ncurrent-context: home\nclusters: []\nusers: []\ncontexts: []\n';
    writeFileSync(file, mine, { mode: 0o644 });
    const install = (...more: string[]) =>
      custody(['kubeconfig', '--install', ...more], { env: { ...env, HOME } });
    expect((await install()).stderr).toContain(`2 clusters in ${file}: custody-prod, custody-dev`);
    expect(read(readFileSync(file, 'utf8'))).toMatchObject({ 'current-context': 'home' });
    for (const one of [file, `${file}.before-custody`]) expect(statSync(one).mode & 0o777).toBe(0o600);
    expect(readFileSync(`${file}.before-custody`, 'utf8')).toBe(mine);
    const written = readFileSync(file, 'utf8');
    expect((await install()).stderr).toContain('as before');
    expect(readFileSync(file, 'utf8')).toBe(written);
    api.answers.set('/v1/targets', { targets: [DEV] });
    expect((await install('--prune', '--use')).code).toBe(0);
    const { contexts, ...rest } = read(readFileSync(file, 'utf8'));
    expect(contexts.map(({ name }) => name)).toEqual(['custody-dev']);
    expect(rest['current-context']).toBe('custody-dev');
    expect(readdirSync(dirname(file)).toSorted()).toEqual(['config', 'config.before-custody']);
  });

  test('goes into a file that is named, which may be a link and stays one', async () => {
    const { env } = await clusterApi();
    const folder = temporary();
    symlinkSync(join(folder, 'real'), join(folder, 'link'));
    writeFileSync(join(folder, 'real'), '');
    expect((await custody(['kubeconfig', '--file', join(folder, 'link')], { env })).code).toBe(0);
    expect(read(readFileSync(join(folder, 'real'), 'utf8')).contexts).toHaveLength(1);
    const made = join(folder, 'new', 'config');
    expect((await custody(['kubeconfig', '--file', made], { env })).code).toBe(0);
    expect(statSync(made).mode & 0o777).toBe(0o600);
  });

  test('waits for no other program, and leaves what it cannot read as it is', async () => {
    const { env } = await clusterApi();
    const file = join(temporary(), 'config');
    writeFileSync(`${file}.lock`, '');
    const locked = await custody(['kubeconfig', '--file', file], { env });
    expect(locked).toMatchObject({ code: 1, stdout: '' });
    expect(locked.stderr).toContain('another program is changing');
    const odd = join(temporary(), 'config');
    writeFileSync(odd, '- no kubeconfig');
    expect((await custody(['kubeconfig', '--file', odd], { env })).code).toBe(1);
    expect(readFileSync(odd, 'utf8')).toBe('- no kubeconfig');
    expect(readdirSync(dirname(odd))).toEqual(['config']);
  });

  test.each([
    [['nowhere'], 'there is no cluster nowhere'],
    [['orders-db'], 'there is no cluster orders-db'],
    [['--install', '--file', 'x'], 'not both'],
  ])('%j is refused with words', async (args, words) => {
    const { env } = await clusterApi(PROD, DATABASE);
    const ran = await custody(['kubeconfig', ...args], { env });
    expect(ran).toMatchObject({ code: 1, stdout: '' });
    expect(ran.stderr).toContain(words);
  });

  test('says where there is no cluster at all', async () => {
    const { env } = await clusterApi(DATABASE);
    expect((await custody(['kubeconfig'], { env })).stderr).toContain(
      'there is no cluster that you may connect to',
    );
  });

  test('finds the file that kubectl would write to', () => {
    const folder = temporary();
    const [one, other] = [join(folder, 'one'), join(folder, 'other')];
    const at = (KUBECONFIG: string | undefined, isOurs: (text: string) => boolean = () => false) =>
      personsKubeconfig({ env: { HOME: '/home/dana', KUBECONFIG } }, isOurs);
    expect(at(undefined)).toBe('/home/dana/.kube/config');
    expect(at('')).toBe('/home/dana/.kube/config');
    expect(at(one)).toBe(one);
    expect(at(`${one}:${other}`)).toBe(other);
    writeFileSync(one, 'first');
    expect(at(`${one}:${other}`)).toBe(one);
    writeFileSync(other, 'ours');
    expect(at(`:${one}:${other}`)).toBe(one);
    expect(at(`${one}:${other}`, (text) => text === 'ours')).toBe(other);
  });
});

const SHOW = `const fs = require('node:fs'); const file = process.env.KUBECONFIG;
console.log(JSON.stringify({ file, text: fs.readFileSync(file, 'utf8'), mode: fs.statSync(file).mode & 0o777, helm: process.env.HELM_KUBECONTEXT }))`;

describe('custody connect and env, for a cluster', () => {
  test('give a client a kubeconfig of its own, which is gone afterwards', async () => {
    const { env } = await clusterApi();
    const args = [
      'connect',
      '--reason',
      'a bug',
      'prod',
      '--',
      process.execPath,
      '-e',
      `${SHOW}; process.exitCode = 7`,
    ];
    const ran = await custody(args, { env: { ...env, KUBECONFIG: '/mine', HELM_KUBECONTEXT: 'elsewhere' } });
    expect(ran.code).toBe(7);
    const seen = JSON.parse(ran.stdout) as { file: string; text: string; mode: number; helm?: string };
    expect(seen).toMatchObject({ mode: 0o600 });
    expect(seen).not.toHaveProperty('helm');
    expect(seen.text).not.toContain(env.CUSTODY_TOKEN);
    const config = read(seen.text);
    expect(config['current-context']).toBe('custody-prod');
    expect(config.users[0]!.user.exec.env).toContainEqual({ name: 'CUSTODY_REASON', value: 'a bug' });
    expect(() => statSync(dirname(seen.file))).toThrow('ENOENT');
  });

  test('leave no kubeconfig behind where the client cannot be run', async () => {
    const { env } = await clusterApi();
    const TMPDIR = temporary();
    expect(
      (await custody(['connect', 'prod', '--', 'no-such-client'], { env: { ...env, TMPDIR } })).code,
    ).toBe(127);
    expect(readdirSync(TMPDIR)).toEqual([]);
  });

  test('give an agent a file with its token, which somebody renews', async () => {
    const { api, env } = await clusterApi();
    const home = openHome(env);
    const cli = { ...processCli(), env, home };
    const given = { base: new URL(api.url), token: env.CUSTODY_TOKEN };
    const target = { ...PROD, connectSeconds: 20, ask: [] } as unknown as Target;
    const { KUBECONFIG } = await kubernetesKit.env(cli, given, target, { secretFile: '/run/agent/token' });
    const { users } = read(readFileSync(KUBECONFIG!, 'utf8'));
    expect(users[0]!.user).toMatchObject({ tokenFile: '/run/agent/token' });
    expect(users[0]!.user).not.toHaveProperty('exec');
  });

  test('set KUBECONFIG for a shell', async () => {
    const { env } = await clusterApi();
    const ran = await custody(['env', 'prod', '--json'], { env });
    const { KUBECONFIG } = JSON.parse(ran.stdout) as { KUBECONFIG: string };
    expect(KUBECONFIG).toBe(join(env.CUSTODY_HOME, 'kubeconfig-prod'));
    expect(read(readFileSync(KUBECONFIG, 'utf8'))['current-context']).toBe('custody-prod');
    const refused = await custody(['env', 'prod', '--libpq'], { env });
    expect(refused.stderr).toContain('--libpq is for databases');
  });
});
