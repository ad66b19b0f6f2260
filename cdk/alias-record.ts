import { CfnRecordSet } from 'aws-cdk-lib/aws-route53';
import type { Construct } from 'constructs';

/** A name in a zone of Route 53 that leads to what AWS has a name for. */
export function aliasRecord(
  scope: Construct,
  id: string,
  {
    hostedZoneId,
    name,
    to,
  }: {
    readonly hostedZoneId: string;
    readonly name: string;
    readonly to: { readonly dnsName: string; readonly hostedZoneId: string };
  },
): void {
  new CfnRecordSet(scope, id, { hostedZoneId, name, type: 'A', aliasTarget: to });
}
