import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readDeploymentConfig } from '#cdk/config.ts';
import { readConfigFolder } from '#cdk/config-folder.ts';
import { type Ask, answerOf } from '#cli/aws/ask.ts';
import type { Finding } from '#cli/findings/finding.ts';
import { accountFindings, serviceRoleFindings } from '#cli/preflight/account.ts';
import { clusterFindings } from '#cli/preflight/eks.ts';
import { tlsFindings } from '#cli/preflight/gateway-certificate.ts';
import { secretFindings } from '#cli/preflight/secrets.ts';
import { custody } from '#test/cli/support.ts';
import { configFolder, EXAMPLE, MINIMAL } from '#test/support/stacks.ts';

const folder = mkdtempSync(join(tmpdir(), 'custody-preflight-'));
afterAll(() => rmSync(folder, { recursive: true }));
// Certificates that are made later than this are not yet valid.
const NOW = new Date(Date.now() + 3_600_000);
const HOST = 'gateway.example.com';

interface Pair {
  readonly cert: string;
  readonly key: string;
}

function certificate(host: string): Pair {
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const names = ['-subj', `/CN=${host}`, '-addext', `subjectAltName=DNS:${host}`];
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '30'];
  execFileSync('openssl', ['req', '-x509', ...kind, ...names, '-keyout', key, '-out', cert], {
    stdio: 'ignore',
  });
  return { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') };
}

let good: Pair;
beforeAll(() => {
  good = certificate(HOST);
});

const NOT_THERE =
  "\nAn error occurred (ResourceNotFoundException): Secrets Manager can't find the specified secret.\n";

const answer = (value: object) => ({ code: 0, stdout: JSON.stringify(value), stderr: '' });

/** An account with these secrets. */
function account(secrets: Readonly<Record<string, string>>, has: { readonly ecs?: boolean } = {}): Ask {
  return async (...args) => {
    const [service, operation] = args;
    if (service === 'ec2') return answerOf(answer({ Regions: [{ OptInStatus: 'opt-in-not-required' }] }));
    if (service === 'iam')
      return answerOf(
        has.ecs === false && args.includes('AWSServiceRoleForECS')
          ? { code: 254, stdout: '', stderr: 'An error occurred (NoSuchEntity) when calling GetRole' }
          : answer({}),
      );
    const SecretString = secrets[args[args.indexOf('--secret-id') + 1]!];
    if (SecretString === undefined) return answerOf({ code: 254, stdout: '', stderr: NOT_THERE });
    return answerOf(operation === 'describe-secret' ? answer({ ARN: 'arn:x' }) : answer({ SecretString }));
  };
}

/** What is wrong, a line each with what to do. */
async function found(ask: Ask, given: object = {}, now = NOW, folder = EXAMPLE): Promise<string[]> {
  const settings = readDeploymentConfig({ ...MINIMAL, ...given });
  const config = readConfigFolder(folder);
  const all: readonly (readonly Finding[])[] = await Promise.all([
    accountFindings(settings, '123456789012', ask),
    serviceRoleFindings(ask),
    tlsFindings({ settings, config, folder }, ask, now),
    secretFindings(settings, config, ask),
    clusterFindings(settings, config, ask),
  ]);
  return all
    .flat()
    .filter(({ result }) => result === 'bad')
    .map(({ about, what, todo }) => [about, what, todo].filter(Boolean).join(': '));
}

const secrets = (pair: object = good) => ({
  'custody/tls': JSON.stringify(pair),
  'custody/orders': 'secret!',
});

const WEB_1 = `  web-1:
    protocol: ssh
    address: web-1.internal:22
    hostKeys: ['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE1n']
    logins: { deploy: { keySecret: custody/deploy }, admin: { secret: custody/admin }, app: { certificate: true } }
`;

describe('custody preflight', () => {
  it('finds nothing in the way where everything is there', async () => {
    expect(await found(account(secrets()))).toEqual([]);
  });

  it('says that ECS was never used, and how to make its role', async () => {
    expect(await found(account(secrets(), { ecs: false }))).toEqual([
      expect.stringContaining('aws iam create-service-linked-role --aws-service-name ecs.amazonaws.com'),
    ]);
  });

  it('names each secret that is missing', async () => {
    expect(await found(account({}))).toEqual([
      expect.stringMatching(/^gateway\.tlsSecret custody\/tls: .*ResourceNotFound/),
      expect.stringMatching(/^targets\.orders: the secret custody\/orders: .*ResourceNotFound/),
    ]);
  });

  it.each<[what: string, pair: () => object, says: RegExp]>([
    ['of another host', () => certificate('other.example.com'), /is not of gateway\.example\.com/],
    [
      'with the key of another',
      () => ({ ...certificate(HOST), key: good.key }),
      /key is another certificate's/,
    ],
    ['without a key', () => ({ cert: good.cert }), /expected JSON/],
    ['that is no PEM', () => ({ cert: 'x', key: good.key }), /expected JSON/],
  ])('refuses a certificate %s', async (_what, pair, says) => {
    const mistakes = await found(account(secrets(pair())));
    expect(mistakes).toEqual([expect.stringMatching(says)]);
    expect(mistakes.join()).not.toContain('PRIVATE KEY');
  });

  describe('with an SSH target', () => {
    const ssh = async (deploy: string) => {
      using folder = configFolder((yaml) => yaml.replace(/^rules:/m, `${WEB_1}rules:`));
      const ask = account({
        ...secrets(),
        'custody/admin': 'secret!',
        ...(deploy && { 'custody/deploy': deploy }),
      });
      return await found(ask, {}, NOW, folder.path);
    };
    const made = (passphrase: string, file = join(folder, 'deploy')) => {
      execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', passphrase, '-C', 'who@where', '-f', file]);
      const [key, line] = [readFileSync(file, 'utf8'), readFileSync(`${file}.pub`, 'utf8')];
      for (const name of [file, `${file}.pub`]) rmSync(name);
      return { key, line };
    };

    it('finds nothing in the way where each login has its secret, or needs none', async () => {
      expect(await ssh(made('').key)).toEqual([]);
    });

    it('names the key of a login that is missing', async () => {
      expect(await ssh('')).toEqual([
        expect.stringMatching(/^targets\.web-1: the secret custody\/deploy: .*ResourceNotFound/),
      ]);
    });

    it.each<[what: string, text: () => string, says: string]>([
      [
        'has a passphrase',
        () => made('pass-phrase').key,
        'has a passphrase, which nobody could type here: take it off',
      ],
      ['is the public one', () => made('').line, 'is a public key; the file without .pub is needed'],
      ['is half a key', () => made('').key.slice(0, 200), 'has no end'],
      ['is a password', () => 'pass-phrase', 'is not in OpenSSH or PEM form'],
    ])('says that a key %s, and shows none of it (security case 15)', async (_what, text, says) => {
      const mistakes = await ssh(text());
      expect(mistakes).toEqual([
        expect.stringContaining(`targets.web-1: the secret custody/deploy: ${says}`),
      ]);
      expect(mistakes.join()).not.toMatch(/PRIVATE KEY|AAAA|who@where|pass-phrase/);
    });
  });

  describe('with a cluster of EKS', () => {
    const PROD = `  prod:
    protocol: kubernetes
    address: abc.gr7.eu-central-1.eks.amazonaws.com:443
    tls: { caData: QUJD }
    credential: { eks: { cluster: prod-eu } }
`;
    const described = {
      endpoint: 'https://ABC.gr7.eu-central-1.eks.amazonaws.com',
      certificateAuthority: { data: 'QUJD' },
      accessConfig: { authenticationMode: 'API' },
    };
    const eks = async (cluster: object | string, yaml = PROD, settings: object = {}) => {
      using folder = configFolder((example) => example.replace(/^rules:/m, `${yaml}rules:`));
      const ask: Ask = async (...args) => {
        if (args[0] !== 'eks') return account(secrets())(...args);
        expect(args).toEqual(['eks', 'describe-cluster', '--name', 'prod-eu']);
        return answerOf(
          typeof cluster === 'string' ? { code: 254, stdout: '', stderr: cluster } : answer({ cluster }),
        );
      };
      return await found(ask, settings, NOW, folder.path);
    };

    it('finds nothing in the way where custody.yaml says what EKS does', async () => {
      expect(await eks(described)).toEqual([]);
    });

    it('does not look for one of another account', async () => {
      const role = "{ cluster: prod-eu, role: 'arn:aws:iam::210987654321:role/custody' }";
      expect(await eks('must not be asked', PROD.replace('{ cluster: prod-eu }', role))).toEqual([]);
    });

    it.each<[what: string, cluster: object | string, says: RegExp]>([
      ['is not there', '\nAn error occurred (ResourceNotFoundException): No cluster\n', /No cluster$/],
      [
        'is elsewhere',
        { ...described, endpoint: 'https://other.eks.amazonaws.com' },
        /is at other\.eks\.amazonaws\.com:443, and address is abc/,
      ],
      [
        'has another CA',
        { ...described, certificateAuthority: { data: 'QUJE' } },
        /another CA than tls\.caData/,
      ],
      [
        'takes no access entries',
        { ...described, accessConfig: { authenticationMode: 'CONFIG_MAP' } },
        /API_AND_CONFIG_MAP, or accessEntry: false/,
      ],
    ])('says that one %s', async (_what, cluster, says) => {
      expect(await eks(cluster)).toEqual([expect.stringMatching(says)]);
    });

    it('needs no access entries where somebody else lets the gateway in', async () => {
      const mode = { authenticationMode: 'CONFIG_MAP' };
      const settings = { targets: { prod: { accessEntry: false } } };
      expect(await eks({ ...described, accessConfig: mode }, PROD, settings)).toEqual([]);
    });

    it('says that the certificate has not the name by which clients mean it', async () => {
      expect(await eks(described, `${PROD}    serverNames: [prod.k8s.example.com]\n`)).toEqual([
        expect.stringMatching(/the certificate is not of prod\.k8s\.example\.com/),
      ]);
    });
  });

  it('refuses a certificate before and after its time', async () => {
    const days = (count: number): Date => new Date(NOW.getTime() + count * 86_400_000);
    expect(await found(account(secrets()), {}, days(31))).toEqual([expect.stringMatching(/ended at/)]);
    expect(await found(account(secrets()), {}, days(-1))).toEqual([expect.stringMatching(/begins at/)]);
  });

  it('says when one is in another account, or in none', async () => {
    expect(await found(account(secrets()), { account: '210987654321' })).toEqual([
      expect.stringContaining('you are in 123456789012'),
    ]);
  });

  it('says that nobody is logged in, and looks at nothing', async () => {
    const { code, stderr } = await run('echo Unable to locate credentials >&2; exit 255');
    expect(code).toBe(2);
    expect(stderr).toContain('AWS does not know you: Unable to locate credentials');
  });

  it('asks the AWS CLI, and never shows what a secret holds (security case 15)', async () => {
    const { code, stdout, stderr } = await run(
      `echo '${JSON.stringify({ Account: '1', SecretString: 'top-secret' })}'`,
    );
    expect(stdout).toContain('gateway.tlsSecret custody/tls: expected JSON');
    expect(code).toBe(1);
    expect(stdout + stderr).not.toContain('top-secret');
  });
});

/** `custody preflight` in the folder of a deployment, where `aws` is this script. */
async function run(aws: string) {
  const bin = join(folder, 'aws');
  writeFileSync(bin, `#!/bin/sh\n${aws}\n`);
  chmodSync(bin, 0o755);
  using config = configFolder((yaml) => yaml.replace('https://login.example.com', 'http://127.0.0.1:1'));
  const context = { custody: { ...MINIMAL, configFolder: config.path } };
  writeFileSync(join(folder, 'cdk.json'), JSON.stringify({ context }));
  return await custody(['preflight'], { cwd: folder, env: { PATH: `${folder}:${process.env['PATH']}` } });
}
