/** An account, from `init` to what `preflight` and `doctor --aws` say of it: the AWS CLI itself, at an emulator. */
import { X509Certificate } from 'node:crypto';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { askWith } from '#cli/aws/ask.ts';
import { getText } from '#cli/aws/get-text.ts';
import { runProgram } from '#cli/preflight/image.ts';
import { lookupHost } from '#cli/preflight/names.ts';
import { checksOf } from '#cli/preflight/preflight.ts';
import { newAuthority, newServerCertificate } from '#cli/init/authority.ts';
import { readDeployment } from '#cli/init/settings.ts';
import { type AwsCli, hasAwsCli, startAwsCli } from '#test/support/aws-cli.ts';
import { deployedStack, type SeededAccount, seedAccount, seedUse } from '#test/support/aws-account.ts';
import { issuerServer } from '#test/support/discovery.ts';
import { hasMoto, type Moto, startMoto } from '#test/support/moto.ts';
import { gatewayTemplate } from '#test/support/stacks.ts';
import { custody, type Ran, temporary } from '../support.ts';

const HOST = 'gateway.example.com';

interface Told {
  readonly findings: readonly { about: string; result: string; what: string; todo?: string }[];
  readonly mistakes: number;
}

describe.skipIf(!hasMoto() || !hasAwsCli())('an account with databases', () => {
  let moto: Moto;
  let aws: AwsCli;
  let account: SeededAccount;
  let issuer: Awaited<ReturnType<typeof issuerServer>>;
  /** The settings that `init` wrote. */
  let folder: string;
  beforeAll(async () => {
    moto = await startMoto();
    aws = await startAwsCli(moto.environment);
    issuer = await issuerServer();
    [account] = await Promise.all([seedAccount(aws), seedUse(aws)]);
    // Docker, as far as it is asked.
    writeFileSync(join(aws.folder, 'docker'), '#!/bin/sh\necho 28.0 linux/arm64 linux/amd64\n');
    chmodSync(join(aws.folder, 'docker'), 0o755);
  });
  afterAll(async () => {
    issuer[Symbol.dispose]();
    rmSync(folder, { recursive: true, force: true });
    await aws.stop();
    await moto.stop();
  });

  const init = (out: string, ...more: string[]): Promise<Ran> => {
    const who = ['--hostname', HOST, '--issuer', issuer.url, '--client-id', 'custody-cli'];
    return custody(['init', 'aws', '--out', out, '--yes', ...who, ...more], { env: aws.environment });
  };
  const told = async (...args: string[]): Promise<Told & { readonly code: number }> => {
    const { code, stdout, stderr } = await custody([...args, '--json'], {
      env: aws.environment,
      cwd: folder,
    });
    if (stdout === '') throw new Error(stderr);
    return { code, ...(JSON.parse(stdout) as Told) };
  };
  const secretOf = async (name: string): Promise<string> => {
    const args = ['secretsmanager', 'get-secret-value', '--secret-id', name];
    return (await aws.made<{ SecretString: string }>(...args)).SecretString;
  };

  it('gets nothing that nobody agreed to; what is missing is said', async () => {
    const out = temporary();
    const { code, stdout } = await init(out);
    expect(code).toBe(0);
    expect(stdout).toContain(
      'not there yet: custody/gateway-certificate, custody/legacy-billing, custody/gateway-ca',
    );
    const { SecretList } = await aws.made<{ SecretList: { Name: string }[] }>(
      'secretsmanager',
      'list-secrets',
    );
    expect(SecretList.filter(({ Name }) => Name.startsWith('custody/'))).toEqual([]);
    expect(readdirSync(join(out, 'custody-config'))).toEqual(['custody.yaml']);
  });

  it('becomes a deployment: its databases, their groups and VPC, and secrets that were agreed to', async () => {
    folder = mkdtempSync(join(tmpdir(), 'custody-settings-'));
    const { code, stdout, stderr } = await init(folder, '--create', '--readers');
    expect([code, stderr]).toEqual([0, expect.stringContaining('made the secret custody/gateway-ca')]);
    const { settings, config } = readDeployment(folder);
    const { group: securityGroupId, vpcId, cluster, instance } = account;
    expect(settings).toMatchObject({
      ...{ account: '123456789012', region: 'eu-central-1', network: { vpcId } },
      gateway: { hostname: HOST, clients: ['10.20.0.0/16'] },
      targets: {
        orders: { securityGroupId, resourceId: cluster.resourceId },
        'orders-reader': { securityGroupId, resourceId: cluster.resourceId },
        'legacy-billing': { securityGroupId },
      },
    });
    const targets = [...config.targets.values()];
    expect(targets.map(({ address }) => address?.host)).toEqual([
      ...[cluster.host, cluster.readerHost, instance.host],
    ]);
    const user = 'custody';
    expect(targets.map((target) => 'credential' in target && target.credential)).toEqual([
      { user, rdsIam: true },
      { user, rdsIam: true },
      { user, secret: 'custody/legacy-billing' },
    ]);
    expect(stdout).toMatch(/orders, database shop; RDS keeps the password of its master user .* not used/);
    const password = await secretOf('custody/legacy-billing');
    expect(stdout).toMatch(/LOGIN PASSWORD 'SCRAM-SHA-256\$4096:/);
    expect(stdout + stderr).not.toContain(password);
    const synthesized = gatewayTemplate({
      ...settingsIn(folder),
      configFolder: join(folder, 'custody-config'),
    });
    expect(JSON.stringify(synthesized)).toContain(cluster.resourceId);
  });

  it('has a certificate of a CA that signs for this host alone, and no key in a file', async () => {
    const ca = new X509Certificate(readFileSync(join(folder, 'custody-config/gateway-ca.pem')));
    const pair = JSON.parse(await secretOf('custody/gateway-certificate')) as { cert: string; key: string };
    const leaf = new X509Certificate(pair.cert);
    expect([leaf.checkIssued(ca), leaf.verify(ca.publicKey), leaf.checkHost(HOST)]).toEqual([
      true,
      true,
      HOST,
    ]);
    expect(pair.key).toContain('PRIVATE KEY');
    for (const file of readdirSync(folder, { recursive: true, withFileTypes: true }).filter((one) =>
      one.isFile(),
    ))
      expect(readFileSync(join(file.parentPath, file.name), 'utf8')).not.toContain('PRIVATE');
  });

  it('keeps files and secrets that are there', async () => {
    const before = await secretOf('custody/gateway-certificate');
    const again = await init(folder, '--create');
    expect([again.code, again.stderr]).toEqual([
      1,
      expect.stringContaining('cdk.json, custody-config/custody.yaml'),
    ]);
    const { stderr } = await init(temporary(), '--create');
    expect(stderr).toContain('left as they are: custody/gateway-certificate, custody/legacy-billing');
    expect(await secretOf('custody/gateway-certificate')).toBe(before);
  });

  it('passes the preflight, but for a name that is not in DNS', async () => {
    const { code, mistakes, findings } = await told('preflight');
    expect(findings.filter(({ result }) => result === 'bad')).toEqual([]);
    expect([code, mistakes]).toEqual([0, 0]);
    const good = findings.filter(({ result }) => result === 'good').map(({ about }) => about);
    expect(good).toEqual(
      expect.arrayContaining([
        ...[
          'account',
          'cdk bootstrap',
          'service-linked roles',
          'gateway.tlsSecret custody/gateway-certificate',
        ],
        ...['targets.orders', 'targets.legacy-billing', `network.vpcId ${account.vpcId}`, 'quotas'],
        ...['CloudTrail', 'Docker', `identity staff (${issuer.url})`],
      ]),
    );
  });

  it('fails it where something was changed, each line with what to do', async () => {
    const before = readFileSync(join(folder, 'cdk.json'), 'utf8');
    const other = await newServerCertificate(
      await newAuthority('other.example.com', new Date()),
      ['other.example.com'],
      new Date(),
    );
    await aws.aws(
      [
        'secretsmanager',
        'put-secret-value',
        '--secret-id',
        'custody/gateway-certificate',
        '--secret-string',
        'file:///dev/stdin',
      ],
      JSON.stringify(other),
    );
    await aws.made('iam', 'delete-role', '--role-name', 'AWSServiceRoleForECS');
    await aws.made('cloudtrail', 'stop-logging', '--name', 'all');
    await aws.made('ec2', 'modify-vpc-attribute', '--vpc-id', account.vpcId, '--no-enable-dns-hostnames');
    await aws.made(
      'secretsmanager',
      'delete-secret',
      '--secret-id',
      'custody/legacy-billing',
      '--force-delete-without-recovery',
    );
    writeFileSync(
      join(folder, 'cdk.json'),
      before
        .replaceAll(account.group, 'sg-0123456789abcdef0')
        .replaceAll(account.cluster.resourceId, 'cluster-OTHER'),
    );
    const ports = {
      ask: askWith(aws.aws),
      now: new Date(),
      get: getText,
      resolve: lookupHost,
      program: runProgram,
    };
    const checks = checksOf(readDeployment(folder), '123456789012', ports);
    writeFileSync(join(folder, 'cdk.json'), before);
    const changed = ['service roles', 'certificate', 'secrets', 'databases', 'network', 'CloudTrail'];
    const findings = (await Promise.all(changed.map((name) => checks[name]!()))).flat();
    const bad = findings
      .filter(({ result }) => result === 'bad')
      .map(({ about, what }) => `${about}: ${what}`);
    expect(bad).toEqual([
      'role AWSServiceRoleForECS: this account has never used its service',
      `gateway.tlsSecret custody/gateway-certificate: the certificate is not of ${HOST}`,
      'gateway.tlsSecret custody/gateway-certificate: the certificate is of another CA than gateway-ca.pem beside custody.yaml',
      expect.stringMatching(
        /^targets.legacy-billing: the secret custody\/legacy-billing: .*ResourceNotFound/,
      ),
      'targets.orders: cdk.json has the resourceId cluster-OTHER',
      `targets.orders: orders is not in the security group sg-0123456789abcdef0, but in ${account.group}`,
      'targets.orders-reader: cdk.json has the resourceId cluster-OTHER',
      `targets.orders-reader: orders is not in the security group sg-0123456789abcdef0, but in ${account.group}`,
      `targets.legacy-billing: legacy-billing is not in the security group sg-0123456789abcdef0, but in ${account.group}`,
      `network.vpcId ${account.vpcId}: enableDnsHostnames is off`,
    ]);
    expect(findings).toContainEqual(
      expect.objectContaining({ about: 'CloudTrail', what: 'the trail all does not log' }),
    );
    expect(findings.filter(({ result, todo }) => result === 'bad' && todo === undefined)).toEqual([]);
  });

  it('gets its certificate back, under the same CA', async () => {
    const file = join(folder, 'custody-config/gateway-ca.pem');
    const ca = readFileSync(file, 'utf8');
    const { code, stderr } = await custody(['init', 'certificate', '--create'], {
      env: aws.environment,
      cwd: folder,
    });
    expect([code, stderr]).toEqual([
      0,
      expect.stringContaining('changed the secret custody/gateway-certificate'),
    ]);
    const { cert } = JSON.parse(await secretOf('custody/gateway-certificate')) as { cert: string };
    expect(new X509Certificate(cert).verify(new X509Certificate(ca).publicKey)).toBe(true);
    expect(readFileSync(file, 'utf8')).toBe(ca);
  });

  it('is looked into by the doctor: tasks, load balancer, log and tables', async () => {
    await deployedStack(aws, 'http://127.0.0.1:1');
    const { code, findings } = await told('doctor', '--aws');
    const of = (about: RegExp) =>
      findings.filter((one) => about.test(one.about)).map(({ result, what }) => `${result}: ${what}`);
    expect(of(/^stack Custody$/)).toEqual(['good: CREATE_COMPLETE']);
    expect(of(/^tasks$/)).toEqual(['bad: 0 of 2 run, 2 are starting']);
    expect(of(/^load balancer sessions$/)).toEqual(['bad: none of 0 tasks is healthy']);
    expect(of(/^log of the proxy$/)).toEqual([
      'warning: 1 errors in the last hour: store-away: the store is away',
    ]);
    expect(of(/^table journal$/)).toEqual(['warning: writes were not taken 7 times in the last hour']);
    // By the stack's output.
    expect(of(/^API http:\/\/127\.0\.0\.1:1$/)).toEqual([expect.stringMatching(/^bad: cannot reach/)]);
    expect(of(/^postgres at/)).toEqual([`bad: ${HOST} is not in DNS, as far as this machine can see`]);
    expect(code).toBe(1);
  });
});

function settingsIn(folder: string): object {
  const { context } = JSON.parse(readFileSync(join(folder, 'cdk.json'), 'utf8')) as {
    context: { custody: object };
  };
  return context.custody;
}
