import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readDeploymentConfig } from '#cdk/config.ts';
import { readConfigFolder } from '#cdk/config-folder.ts';
import { type Aws, mistakesIn } from '#cdk/preflight-checks.ts';
import { configFolder, EXAMPLE, MINIMAL, ROOT } from '#test/support/stacks.ts';

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

/** An AWS CLI in an account with these secrets. */
function account(secrets: Readonly<Record<string, string>>, has: { readonly ecs?: boolean } = {}): Aws {
  const answer = (value: object) => ({ code: 0, stdout: JSON.stringify(value), stderr: '' });
  return (...args) => {
    const [service, operation] = args;
    if (operation === 'get-caller-identity') return answer({ Account: '123456789012' });
    if (service === 'iam')
      return has.ecs === false
        ? { code: 254, stdout: '', stderr: 'An error occurred (NoSuchEntity) when calling GetRole' }
        : answer({});
    const SecretString = secrets[args[args.indexOf('--secret-id') + 1]!];
    return SecretString === undefined
      ? { code: 254, stdout: '', stderr: NOT_THERE }
      : answer({ SecretString });
  };
}

function found(aws: Aws, settings: object = {}, now = NOW): string[] {
  const config = readConfigFolder(EXAMPLE);
  return mistakesIn(readDeploymentConfig({ ...MINIMAL, ...settings }), config, { aws, now });
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

describe('npm run preflight', () => {
  it('finds nothing in the way where everything is there', () => {
    expect(found(account(secrets()))).toEqual([]);
  });

  it('says that ECS was never used, and how to make its role', () => {
    expect(found(account(secrets(), { ecs: false }))).toEqual([
      expect.stringContaining('aws iam create-service-linked-role --aws-service-name ecs.amazonaws.com'),
    ]);
  });

  it('names each secret that is missing', () => {
    expect(found(account({}))).toEqual([
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
  ])('refuses a certificate %s', (_what, pair, says) => {
    const mistakes = found(account(secrets(pair())));
    expect(mistakes).toEqual([expect.stringMatching(says)]);
    expect(mistakes.join()).not.toContain('PRIVATE KEY');
  });

  describe('with an SSH target', () => {
    const ssh = (deploy: string) => {
      using folder = configFolder((yaml) => yaml.replace(/^rules:/m, `${WEB_1}rules:`));
      const aws = account({
        ...secrets(),
        'custody/admin': 'secret!',
        ...(deploy && { 'custody/deploy': deploy }),
      });
      return mistakesIn(readDeploymentConfig(MINIMAL), readConfigFolder(folder.path), { aws, now: NOW });
    };
    const made = (passphrase: string, file = join(folder, 'deploy')) => {
      execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', passphrase, '-C', 'who@where', '-f', file]);
      const [key, line] = [readFileSync(file, 'utf8'), readFileSync(`${file}.pub`, 'utf8')];
      for (const name of [file, `${file}.pub`]) rmSync(name);
      return { key, line };
    };

    it('finds nothing in the way where each login has its secret, or needs none', () => {
      expect(ssh(made('').key)).toEqual([]);
    });

    it('names the key of a login that is missing', () => {
      expect(ssh('')).toEqual([
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
    ])('says that a key %s, and shows none of it (security case 15)', (_what, text, says) => {
      const mistakes = ssh(text());
      expect(mistakes).toEqual([expect.stringContaining(`targets.web-1: the secret custody/deploy ${says}`)]);
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
    const eks = (cluster: object | string, yaml = PROD, settings: object = {}) => {
      using folder = configFolder((example) => example.replace(/^rules:/m, `${yaml}rules:`));
      const aws: Aws = (...args) => {
        if (args[0] !== 'eks') return account(secrets())(...args);
        expect(args).toEqual(['eks', 'describe-cluster', '--name', 'prod-eu']);
        return typeof cluster === 'string'
          ? { code: 254, stdout: '', stderr: cluster }
          : { code: 0, stdout: JSON.stringify({ cluster }), stderr: '' };
      };
      const read = readDeploymentConfig({ ...MINIMAL, ...settings });
      return mistakesIn(read, readConfigFolder(folder.path), { aws, now: NOW });
    };

    it('finds nothing in the way where custody.yaml says what EKS does', () => {
      expect(eks(described)).toEqual([]);
    });

    it('does not look for one of another account', () => {
      const role = "{ cluster: prod-eu, role: 'arn:aws:iam::210987654321:role/custody' }";
      expect(eks('must not be asked', PROD.replace('{ cluster: prod-eu }', role))).toEqual([]);
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
    ])('says that one %s', (_what, cluster, says) => {
      expect(eks(cluster)).toEqual([expect.stringMatching(says)]);
    });

    it('needs no access entries where somebody else lets the gateway in', () => {
      const mode = { authenticationMode: 'CONFIG_MAP' };
      const settings = { targets: { prod: { accessEntry: false } } };
      expect(eks({ ...described, accessConfig: mode }, PROD, settings)).toEqual([]);
    });

    it('says that the certificate has not the name by which clients mean it', () => {
      expect(eks(described, `${PROD}    serverNames: [prod.k8s.example.com]\n`)).toEqual([
        expect.stringMatching(/the certificate is not of prod\.k8s\.example\.com/),
      ]);
    });
  });

  it('refuses a certificate before and after its time', () => {
    const days = (count: number): Date => new Date(NOW.getTime() + count * 86_400_000);
    expect(found(account(secrets()), {}, days(31))).toEqual([expect.stringMatching(/ended at/)]);
    expect(found(account(secrets()), {}, days(-1))).toEqual([expect.stringMatching(/begins at/)]);
  });

  it('says when one is in another account, or in none', () => {
    expect(found(account(secrets()), { account: '210987654321' })).toEqual([
      expect.stringContaining('you are in 123456789012'),
    ]);
    const none: Aws = () => ({ code: 255, stdout: '', stderr: 'Unable to locate credentials\n' });
    expect(found(none)).toEqual(['AWS does not know you: Unable to locate credentials']);
  });

  it('asks the AWS CLI, and never shows what a secret holds (security case 15)', () => {
    const bin = join(folder, 'aws');
    const answers = JSON.stringify({ Account: '1', SecretString: 'top-secret' });
    writeFileSync(bin, `#!/bin/sh\necho '${answers}'\n`);
    chmodSync(bin, 0o755);
    const { status, stdout, stderr } = spawnSync(process.execPath, ['cdk/preflight.ts'], {
      cwd: ROOT,
      encoding: 'utf8',
      env: { PATH: folder },
    });
    expect(status).toBe(1);
    expect(stdout).toContain('gateway.tlsSecret custody/gateway-certificate: expected JSON');
    expect(stdout + stderr).not.toContain('top-secret');
  });
});
