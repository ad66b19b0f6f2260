import { Aws } from 'aws-cdk-lib';
import { ArnPrincipal, CompositePrincipal, PolicyStatement, Role } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { explainWildcards } from '../explain.ts';

export interface AuditorProps {
  /** ARNs of who may take the role, of this account or another. */
  readonly auditors: readonly string[];
  readonly evidence: Bucket;
  readonly dataKey: IKey;
  readonly signingKey: IKey;
}

/** A role for whoever copies and verifies evidence: it reads, and can do nothing else. */
export class Auditor extends Construct {
  readonly role: Role;

  constructor(scope: Construct, id: string, { auditors, evidence, dataKey, signingKey }: AuditorProps) {
    super(scope, id);
    this.role = new Role(this, 'Role', {
      description: 'Custody: reads recordings and the ledger, to verify them',
      assumedBy: new CompositePrincipal(...auditors.map((arn) => new ArnPrincipal(arn))),
    });
    const objects = evidence.arnForObjects('*');
    const through = { StringEquals: { 'kms:ViaService': `s3.${Aws.REGION}.${Aws.URL_SUFFIX}` } };
    const statements = [
      { sid: 'ReadEvidence', actions: READ, resources: [objects] },
      {
        sid: 'ListEvidence',
        actions: ['s3:ListBucket', 's3:ListBucketVersions'],
        resources: [evidence.bucketArn],
      },
      { sid: 'DecryptEvidence', actions: ['kms:Decrypt'], resources: [dataKey.keyArn], conditions: through },
      { sid: 'KnowTheSigner', actions: ['kms:GetPublicKey'], resources: [signingKey.keyArn] },
    ];
    for (const statement of statements) this.role.addToPolicy(new PolicyStatement(statement));
    explainWildcards(
      this.role,
      'an auditor reads all evidence that there is, and nothing of another bucket',
      objects,
    );
  }
}

const READ = ['s3:GetObject', 's3:GetObjectVersion', 's3:GetObjectRetention', 's3:GetObjectLegalHold'];
