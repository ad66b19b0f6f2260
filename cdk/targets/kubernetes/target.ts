import type { IConnectable } from 'aws-cdk-lib/aws-ec2';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import type { TargetOf } from '#core/protocols/protocols.ts';
import { inSid, mayReadSecret } from '../../secret-access.ts';
import { mayTake } from '../taken-roles.ts';
import {
  declaredTarget,
  openWay,
  refused,
  refuseOtherAddress,
  refuseOtherSecret,
  type TargetWiring,
} from '../wiring.ts';
import { type EksCluster, letIn, refuseOtherCluster } from './eks.ts';

/** Where the API server is. Its address is in custody.yaml too: that is what the proxy dials, and what reviewers see. */
export type KubernetesUpstream =
  | { readonly cluster: EksCluster }
  | {
      readonly host: string;
      readonly port: number;
      /** The API server's own security group; whoever runs it opens its port when it is not given. */
      readonly connections?: IConnectable;
    };

export type KubernetesTarget = KubernetesUpstream & {
  /** The token, or the client certificate; none where custody.yaml says `eks`. */
  readonly secret?: ISecret;
  /**
   * Whether the proxy's role gets an access entry, in the Kubernetes group `custody-gateway`. It does when nothing is said, for a cluster
   * of this region that names no role to take; where `false`, whoever runs the cluster lets it in.
   */
  readonly accessEntry?: boolean;
};

/** Opens the way from the tasks to the API server, and gives them its credential and no other. Throws `config-invalid`. */
export function wireKubernetesTarget(
  scope: Construct,
  name: string,
  target: KubernetesTarget,
  wiring: TargetWiring,
): void {
  const { config, role } = wiring;
  const declared = declaredTarget(name, 'kubernetes', 'addKubernetesTarget', config);
  const { eks } = declared.credential;
  refuseClusterFiles(declared);
  refuseOtherCredential(name, target, declared);
  if ('cluster' in target) refuseOtherCluster(name, target.cluster, eks);
  else refuseOtherAddress(name, target, declared.address);
  openWay(
    'cluster' in target ? target.cluster.clusterSecurityGroup : target.connections,
    declared.address,
    wiring,
  );
  if (target.secret !== undefined)
    for (const statement of mayReadSecret(`Target${inSid(name)}`, target.secret))
      role.addToPrincipalPolicy(statement);
  if (eks?.role !== undefined) role.addToPrincipalPolicy(mayTake(name, eks.role));
  letIn(scope, name, target, { eks, role });
}

/** Throws `config-invalid` for a credential in a file: tasks have no files of anybody's. */
export function refuseClusterFiles({ name, credential }: TargetOf<'kubernetes'>): void {
  const { tokenFile, certificateFile } = credential;
  if (tokenFile === undefined && certificateFile === undefined) return;
  const found = tokenFile === undefined ? 'certificateFile' : 'tokenFile';
  throw refused(name, `found ${found}, expected tokenSecret, certificateSecret, or eks`, {
    hint: 'tasks have no files of yours: put it into Secrets Manager, or let a cluster of EKS know the gateway by its role',
  });
}

/** The secret that custody.yaml names, of a token or of a client certificate. */
export function secretOfCluster({ credential }: TargetOf<'kubernetes'>): string | undefined {
  return credential.tokenSecret ?? credential.certificateSecret;
}

function refuseOtherCredential(
  name: string,
  { secret }: KubernetesTarget,
  declared: TargetOf<'kubernetes'>,
): void {
  const expected = secretOfCluster(declared);
  if (secret !== undefined && expected !== undefined) return refuseOtherSecret(name, secret, expected);
  if (secret === undefined && expected === undefined) return;
  const found = secret === undefined ? 'no secret' : 'a secret';
  throw refused(name, `found ${found}, but its credential in custody.yaml is ${expected ?? 'eks'}`, {
    hint: 'correct whichever is wrong: secret is for tokenSecret and certificateSecret, and a cluster of EKS needs none',
  });
}
