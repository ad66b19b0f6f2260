import { describe, expect, it } from 'vitest';
import { allowed, inWords, policiesOf } from '#test/support/role-policies.ts';
import { gatewayTemplate } from '#test/support/stacks.ts';

const AUDITOR = 'arn:aws:iam::210987654321:role/audit';
const BOUNDARY = 'arn:aws:iam::123456789012:policy/boundary';
const template = gatewayTemplate({
  recordings: { auditors: [AUDITOR] },
  permissionsBoundaryArn: BOUNDARY,
  logs: { days: 731 },
});

describe('what a platform asks for', () => {
  it('is a role for auditors, who read evidence and can do nothing else', () => {
    const policies = policiesOf(template, 'GatewayAuditorRole');
    const may = allowed(policies);
    expect([...may.keys()].toSorted((a, b) => a.localeCompare(b))).toEqual([
      ...['kms:Decrypt', 'kms:GetPublicKey', 's3:GetObject', 's3:GetObjectLegalHold'],
      ...['s3:GetObjectRetention', 's3:GetObjectVersion', 's3:ListBucket', 's3:ListBucketVersions'],
    ]);
    expect(may.get('s3:GetObject')).toEqual(['GatewayEvidenceBucket/*']);
    expect(may.get('kms:GetPublicKey')).toEqual(['GatewaySigningKey']);
    const decrypt = policies
      .flatMap(({ Statement }) => Statement)
      .find(({ Sid }) => Sid === 'DecryptEvidence');
    expect(inWords(decrypt!.Condition!['StringEquals']!['kms:ViaService'])).toBe(
      's3.AWS::Region.AWS::URLSuffix',
    );
    const [role] = Object.entries(template.findResources('AWS::IAM::Role')).filter(([id]) =>
      id.startsWith('GatewayAuditor'),
    );
    expect(role![1]['Properties'].AssumeRolePolicyDocument.Statement).toEqual([
      { Action: 'sts:AssumeRole', Effect: 'Allow', Principal: { AWS: AUDITOR } },
    ]);
    expect(Object.keys(template.findOutputs('AuditorRole'))).toEqual(['AuditorRole']);
  });

  it('is a boundary for every role, and a time for every log', () => {
    const roles = Object.entries(template.findResources('AWS::IAM::Role'));
    expect(roles.length).toBeGreaterThan(15);
    for (const [id, { Properties }] of roles) expect(Properties.PermissionsBoundary, id).toBe(BOUNDARY);
    for (const [id, { Properties }] of Object.entries(template.findResources('AWS::Logs::LogGroup')))
      expect(Properties.RetentionInDays, id).toBe(731);
  });

  it('is nothing of that where nobody asks', () => {
    const plain = gatewayTemplate();
    expect(Object.keys(plain.findResources('AWS::IAM::Role')).join()).not.toContain('Auditor');
    expect(JSON.stringify(plain.findResources('AWS::IAM::Role'))).not.toContain('PermissionsBoundary');
  });
});

describe('names of services', () => {
  it("are those of the region's own partition, in conditions: in China they end in another way", () => {
    const text = JSON.stringify(gatewayTemplate().toJSON());
    expect(text).toContain('{"Fn::Join":["",["s3.",{"Ref":"AWS::Region"},".",{"Ref":"AWS::URLSuffix"}]]}');
    expect(text).not.toMatch(
      /"kms:ViaService":\{"Fn::Join":\["",\["\w+\.",\{"Ref":"AWS::Region"\},"\.amazonaws\.com"/,
    );
  });
});
