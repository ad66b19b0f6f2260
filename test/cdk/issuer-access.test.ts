import { Annotations, Match, Template } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import { configFolder, gatewayStack } from '#test/support/stacks.ts';

const CLOSED = { network: { issuerAccess: 'none' } };
const KEYS_BESIDE = (yaml: string): string =>
  yaml.replace('  audience:', '  jwksFile: keys.json\n  audience:');

interface VpcConfig {
  readonly SecurityGroupIds: readonly { readonly 'Fn::GetAtt': readonly [string, string] }[];
}

/** Functions of the gateway that are in the VPC, with their security group. */
function inside(template: Template): (readonly [string, string])[] {
  const functions = Object.entries(template.findResources('AWS::Lambda::Function'));
  return functions.flatMap(([id, { Properties }]) => {
    const { VpcConfig } = Properties as { VpcConfig?: VpcConfig };
    if (VpcConfig === undefined || !id.startsWith('GatewayFunctions')) return [];
    return [[id, VpcConfig.SecurityGroupIds[0]!['Fn::GetAtt'][0]] as const];
  });
}

describe('an issuer that nothing reaches from outside', () => {
  const stack = gatewayStack(CLOSED);
  const template = Template.fromStack(stack);

  it('is asked from inside, by the functions that verify tokens and no others', () => {
    const ids = inside(template).map(([id]) => id.replace(/^GatewayFunctions(.*)Function.*$/, '$1'));
    expect(ids.toSorted((a, b) => a.localeCompare(b))).toEqual(['Authorizer', 'Logout']);
  });

  it('by a group that lets nobody in, and lets out https alone', () => {
    const [[, group] = []] = inside(template);
    const groups = template.findResources('AWS::EC2::SecurityGroup');
    const { SecurityGroupIngress, SecurityGroupEgress } = groups[group!]!['Properties'] as Record<
      string,
      unknown
    >;
    expect(SecurityGroupIngress).toBeUndefined();
    expect(SecurityGroupEgress).toEqual([
      expect.objectContaining({ FromPort: 443, ToPort: 443, IpProtocol: 'tcp' }),
    ]);
  });

  it('in a new VPC, which no way leads out of, is warned about', () => {
    const warning = Match.stringLikeRegexp('https://login\\.example\\.com.*network\\.vpcId.*jwksFile');
    expect(Annotations.fromStack(stack).findWarning('/Custody/Gateway', warning)).toHaveLength(1);
  });

  it('need not be asked where its keys lie beside custody.yaml', () => {
    using folder = configFolder(KEYS_BESIDE, { 'keys.json': '{"keys":[]}' });
    const beside = gatewayStack({ ...CLOSED, configFolder: folder.path });
    expect(inside(Template.fromStack(beside))).toEqual([]);
    const warning = Match.stringLikeRegexp('network\\.vpcId');
    expect(Annotations.fromStack(beside).findWarning('/Custody/Gateway', warning)).toEqual([]);
  });

  it('is asked from outside the VPC where there is a way', () => {
    expect(inside(Template.fromStack(gatewayStack()))).toEqual([]);
  });
});
