import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type App, Validations } from 'aws-cdk-lib';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { AwsSolutionsChecks } from 'cdk-nag';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cfnLint, hasCfnLint } from '#test/support/cfn-lint.ts';
import { configFolder, gatewayStack, MINIMAL, testApp } from '#test/support/stacks.ts';

const folder = mkdtempSync(join(tmpdir(), 'custody-nag-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const lint = hasCfnLint();

interface Report {
  readonly pluginReports: readonly {
    readonly violations: readonly { readonly ruleName: string; readonly severity: string }[];
  }[];
}

/** What the checks found; the folder with the templates. */
function checked(name: string, make: (app: App) => void): { found: string[]; out: string } {
  const out = join(folder, name);
  const app = testApp(out, true);
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app, { writeSuppressionsToCloudFormation: true }));
  make(app);
  app.synth();
  const report = JSON.parse(readFileSync(join(out, 'validation-report.json'), 'utf8')) as Report;
  const found = report.pluginReports.flatMap(({ violations }) => violations).map(({ ruleName }) => ruleName);
  return { found, out };
}

const { gateway } = MINIMAL;
const withOthers = configFolder((yaml) =>
  yaml.replace(
    /^rules:/m,
    `  web-1:
    protocol: ssh
    address: 10.1.2.3:22
    hostKeys: ['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE1n']
    logins: { deploy: { keySecret: custody/deploy }, app: { certificate: true } }
  own:
    protocol: kubernetes
    address: own.eks.amazonaws.com:443
    credential: { eks: { cluster: own } }
  other:
    protocol: kubernetes
    address: other.eks.amazonaws.com:443
    credential: { eks: { cluster: other, role: 'arn:aws:iam::210987654321:role/custody' } }
rules:`,
  ),
);
afterAll(() => withOthers[Symbol.dispose]());
/** Settings that do not exclude each other are in one stack: a look at each costs a quarter of a minute. */
const KINDS: Readonly<Record<string, object>> = {
  plain: {},
  closed: {
    console: 'api',
    network: { issuerAccess: 'none' },
    tasks: { architecture: 'x64', cpu: 512, memoryMiB: 1024 },
  },
  others: { configFolder: withOthers.path, console: false, api: { private: true } },
  open: {
    account: '123456789012',
    region: 'eu-central-1',
    gateway: { ...gateway, reach: 'internet', clients: ['0.0.0.0/0'], hostedZoneId: 'Z0123456789ABC' },
    api: {
      domainName: 'api.example.com',
      certificateArn: 'arn:aws:acm:eu-central-1:123456789012:certificate/0a-1b',
      hostedZoneId: 'Z0123456789ABC',
    },
    console: {
      domainName: 'custody.example.com',
      certificateArn: 'arn:aws:acm:us-east-1:123456789012:certificate/0a-1b',
      webAclArn: 'arn:aws:wafv2:us-east-1:123456789012:global/webacl/custody/0a-1b',
    },
    recordings: {
      lock: 'compliance',
      days: 30,
      acknowledgeCompliance: true,
      breakGlassRoleArn: 'arn:aws:iam::123456789012:role/emergency',
    },
    alarms: { emails: ['ops@example.com'] },
  },
};

/** Where the console is behind CloudFront; under its own name there. */
function ofConsole(kind: string): string[] {
  const always = ['AwsSolutions-CFR1', 'AwsSolutions-CFR2', 'AwsSolutions-SMG4'];
  return { plain: [...always, 'AwsSolutions-CFR4'], open: always }[kind] ?? [];
}

interface Suppression {
  readonly id: string;
  readonly reason: string;
}

function suppressions(template: string): Suppression[] {
  const { Resources } = JSON.parse(template) as {
    Resources: Record<string, { Metadata?: { cdk_nag?: { rules_to_suppress: Suppression[] } } }>;
  };
  const all = Object.values(Resources).flatMap(({ Metadata }) => Metadata?.cdk_nag?.rules_to_suppress ?? []);
  // CDK has checks of its own, and exceptions of its own from them.
  return all.filter(({ id }) => id.startsWith('AwsSolutions-'));
}

describe('cdk-nag', () => {
  const made = new Map(
    Object.entries(KINDS).map(([kind, settings]) => [
      kind,
      checked(kind, (app) => void gatewayStack(settings, app)),
    ]),
  );

  it.each(Object.keys(KINDS))('has nothing to say about a %s stack', (kind) => {
    expect(made.get(kind)!.found).toEqual([]);
  });

  it('is heard: a bucket without a log is found', () => {
    const broken = (app: App) => void new Bucket(gatewayStack({}, app), 'Bare');
    expect(() => checked('broken', broken)).toThrow(/Custody\/Bare\/Resource[^]*AwsSolutions-S1/);
  });

  it.each(Object.keys(KINDS))('is told for each exception of a %s stack why, in words', (kind) => {
    const all = suppressions(readFileSync(join(made.get(kind)!.out, 'Custody.template.json'), 'utf8'));
    expect(all.length).toBeGreaterThan(10);
    for (const { id, reason } of all) expect(reason.split(' ').length, `${id}: ${reason}`).toBeGreaterThan(5);
    const rules = new Set(all.map(({ id }) => id.replace(/\[.*/s, '')));
    const known = ['AwsSolutions-IAM5', 'AwsSolutions-IAM4', 'AwsSolutions-L1', 'AwsSolutions-S1'].concat(
      ['AwsSolutions-ECS2', 'AwsSolutions-ELB2', 'AwsSolutions-KMS5', 'AwsSolutions-APIG4'],
      kind === 'open'
        ? ['AwsSolutions-EC23']
        : kind === 'others'
          ? ['AwsSolutions-SMG4', 'AwsSolutions-APIG2', 'AwsSolutions-APIG3']
          : [],
      ofConsole(kind),
    );
    expect([...rules].filter((rule) => !known.includes(rule))).toEqual([]);
  });

  describe.runIf(lint)('beside cfn-lint', () => {
    const template = (kind: string): string => join(made.get(kind)!.out, 'Custody.template.json');
    const wrong = join(folder, 'wrong.template.json');
    let said: readonly string[] = [];
    const about = (file: string): readonly string[] => said.filter((line) => line.startsWith(`${file}:`));

    beforeAll(() => {
      const Bucket = { Type: 'AWS::S3::Bucket', Properties: { Name: 'x' } };
      writeFileSync(wrong, JSON.stringify({ Resources: { Bucket } }));
      said = cfnLint([...Object.keys(KINDS).map(template), wrong]);
    });

    it.each(Object.keys(KINDS))('which has nothing to say about a %s template', (kind) => {
      expect(about(template(kind))).toEqual([]);
    });

    it('and is heard', () => {
      expect(about(wrong)).toEqual([expect.stringContaining('E3002')]);
      expect(said).toEqual(about(wrong));
    });
  });
});
