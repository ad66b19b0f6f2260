import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readDeploymentConfig } from '#cdk/config.ts';
import { plainTemplate, writeModule } from '#cdk/terraform/module.ts';
import { configFolder, gatewayTemplate, MINIMAL, ROOT, STUBS } from '#test/support/stacks.ts';

interface Template {
  readonly Parameters: Readonly<Record<string, unknown>>;
  readonly Resources: Readonly<Record<string, { readonly Type: string }>>;
}

const out = mkdtempSync(join(tmpdir(), 'custody-plain-'));
afterAll(() => rmSync(out, { recursive: true, force: true }));

/** Files stay where they are, which is faster. */
const IN_PLACE = { 'aws:cdk:disable-asset-staging': true };

function plain(settings: object = {}) {
  const read = readDeploymentConfig({ ...MINIMAL, ...settings });
  const { template, assets } = plainTemplate(out, {
    settings: read,
    folder: ROOT,
    looked: IN_PLACE,
    ...STUBS,
  });
  return { template: template as Template, assets };
}

const { template, assets } = plain();
const ours = template.Resources;

/** The same of `cdk deploy`, with what the module has parameters for in their place. */
function deployed(): Template['Resources'] {
  const text = JSON.stringify(gatewayTemplate().toJSON()['Resources'])
    // biome-ignore-start lint/suspicious/noTemplateCurlyInString: CloudFormation fills it in
    .replaceAll(
      '{"Fn::Sub":"cdk-hnb659fds-assets-${AWS::AccountId}-${AWS::Region}"}',
      '{"Ref":"AssetsBucket"}',
    )
    .replaceAll(
      '{"Fn::Sub":"arn:${AWS::Partition}:iam::${AWS::AccountId}:role/cdk-hnb659fds-cfn-exec-role-${AWS::AccountId}-${AWS::Region}"}',
      '{"Ref":"DeploymentRole"}',
    )
    // biome-ignore-end lint/suspicious/noTemplateCurlyInString: CloudFormation fills it in
    .replaceAll(/"([0-9a-f]{64}\.(?:zip|json))"/g, '"custody/$1"');
  return JSON.parse(text) as Template['Resources'];
}

const ofType = (resources: Template['Resources'], type: string) =>
  Object.fromEntries(Object.entries(resources).filter(([, { Type }]) => Type === type));

describe("Terraform's template", () => {
  it.each([
    'AWS::IAM::Role',
    'AWS::IAM::Policy',
    'AWS::S3::BucketPolicy',
    'AWS::KMS::Key',
    'AWS::DynamoDB::Table',
    'AWS::ECS::TaskDefinition',
    'AWS::Lambda::Function',
  ])('has every %s of cdk deploy, and none that is another', (type) => {
    const theirs = ofType(deployed(), type);
    expect(Object.keys(theirs).length).toBeGreaterThan(0);
    expect(ofType(ours, type)).toEqual(theirs);
  });

  it('has everything else as well', () => {
    expect(ours).toEqual(deployed());
  });

  it('asks for a bucket and a role, and for nothing of the CDK', () => {
    expect(Object.keys(template.Parameters).sort()).toEqual(['AssetsBucket', 'DeploymentRole']);
    expect(JSON.stringify(template)).not.toContain('cdk-');
  });

  it('names no file that is not in the module', () => {
    const named = [...JSON.stringify(template).matchAll(/"(custody\/[0-9a-f]{64}\.\w+)"/g)].map(
      ([, key]) => key!,
    );
    expect(named.length).toBeGreaterThan(2);
    expect([...new Set(named)].sort()).toEqual(assets.map(({ key }) => key).sort());
  });
});

const image = `registry.example.com/custody@sha256:${'0'.repeat(64)}`;

describe('a module that cannot be made', () => {
  const module = (settings: object) => () =>
    writeModule(join(out, 'module'), {
      ...{ settings: readDeploymentConfig({ ...MINIMAL, ...settings }), folder: ROOT, looked: IN_PLACE },
      ...{ code: STUBS.code, consoleFiles: STUBS.consoleFiles },
    });

  it('says that Terraform makes no image', () => {
    expect(module({})).toThrow('context.custody.image: found nothing, expected an image by its digest');
  });

  it('says that a VPC has to be looked at: never a made-up one', () => {
    const place = { account: '123456789012', region: 'eu-central-1' };
    const network = { vpcId: 'vpc-0123456789abcdef0' };
    expect(module({ ...place, image, network })).toThrow('the VPC has not been looked at yet');
  });

  it('says what is wrong with custody.yaml, as the stack does', () => {
    using wrong = configFolder((yaml) => yaml.replace('audience: custody', 'audienc: custody'));
    expect(module({ image, configFolder: wrong.path })).toThrow('identity.audienc');
  });
});
