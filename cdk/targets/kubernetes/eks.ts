import { Token } from 'aws-cdk-lib';
import type { ISecurityGroup } from 'aws-cdk-lib/aws-ec2';
import { CfnAccessEntry } from 'aws-cdk-lib/aws-eks';
import type { IRole } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import type { TargetOf } from '#core/protocols/protocols.ts';
import { refused } from '../wiring.ts';

/** What is needed of a cluster of EKS: `Cluster` of aws-eks and of aws-eks-v2 has it, and what is imported as one. */
export interface EksCluster {
  readonly clusterName: string;
  readonly clusterSecurityGroup: ISecurityGroup;
}

type Eks = TargetOf<'kubernetes'>['credential']['eks'];

/** The group of Kubernetes that the proxy is in, and nobody else: docs/kubernetes/gateway-rbac-eks.yaml says what it may. */
const GROUP = 'custody-gateway';

/**
 * Lets the proxy's role into a cluster of EKS: in its group alone, without any policy of EKS's own. The cluster's authentication mode
 * has to be API, or API_AND_CONFIG_MAP. https://docs.aws.amazon.com/eks/latest/userguide/access-entries.html
 */
export function letIn(
  scope: Construct,
  name: string,
  target: { readonly cluster?: EksCluster; readonly accessEntry?: boolean },
  { eks, role }: { readonly eks: Eks; readonly role: IRole },
): void {
  const possible = eks !== undefined && eks.role === undefined && eks.region === undefined;
  if (target.accessEntry === true && !possible) throw cannotLetIn(name);
  if (!possible || target.accessEntry === false) return;
  new CfnAccessEntry(scope, `Target-${name}-AccessEntry`, {
    // Of a cluster that is made in the same deployment: made first.
    clusterName: target.cluster?.clusterName ?? eks.cluster,
    principalArn: role.roleArn,
    // The same for every task, so that RBAC and the cluster's audit log name the gateway.
    username: GROUP,
    kubernetesGroups: [GROUP],
    type: 'STANDARD',
  });
}

/** The proxy asks for a token of the cluster that custody.yaml names. What CDK does not know yet is taken as it is. */
export function refuseOtherCluster(name: string, { clusterName }: EksCluster, eks: Eks): void {
  if (eks === undefined || Token.isUnresolved(clusterName) || clusterName === eks.cluster) return;
  throw refused(name, `found the cluster ${clusterName}, expected ${eks.cluster}, as custody.yaml says`, {
    hint: 'correct whichever is wrong: a token is for the one that custody.yaml names',
  });
}

function cannotLetIn(name: string): Error {
  return refused(name, 'found accessEntry: true, but the stack cannot let its role into this cluster', {
    hint: 'an access entry is for eks in custody.yaml, in the region of the stack and without a role: remove accessEntry, and let the role in there',
  });
}
