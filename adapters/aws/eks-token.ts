import type { STSClient } from '@aws-sdk/client-sts';
import { SignatureV4 } from '@smithy/signature-v4';
import type { SecretReference } from '#core/protocols/protocol.ts';
import { awsFailure } from './failure.ts';
import { takeRole } from './taken-role.ts';

type EksCluster = Omit<Extract<SecretReference, { kind: 'eks' }>, 'kind'>;

const PREFIX = 'k8s-aws-v1.';
/** Says of which cluster the token is, under the signature: another cluster takes none of this one's. */
const CLUSTER_HEADER = 'x-k8s-aws-id';
/** Of the signed request, as the AWS CLI has it; EKS takes a token for a quarter of an hour from when it was signed. */
const EXPIRES_S = 60;

/**
 * A token with which EKS knows the gateway's role: the question to STS who is asking, signed and not sent. EKS sends it, and hears
 * the answer. `sts`: of the gateway's own region, whose credentials sign unless the cluster names a role to take.
 * Rejects with `config-invalid` for a role that may not be taken, and with `store-unavailable`.
 * https://github.com/kubernetes-sigs/aws-iam-authenticator#api-authorization-from-outside-a-cluster
 */
export async function eksToken(sts: STSClient, own: string, { cluster, ...at }: EksCluster): Promise<string> {
  const { region = own, role } = at;
  const signer = new SignatureV4({
    service: 'sts',
    region,
    credentials:
      role === undefined ? sts.config.credentials : await takeRole(sts, { role, session: 'custody-gateway' }),
    sha256: sts.config.sha256,
  });
  const hostname = hostOf(region);
  const question = {
    method: 'GET',
    protocol: 'https:',
    hostname,
    path: '/',
    query: { Action: 'GetCallerIdentity', Version: '2011-06-15' },
    headers: { host: hostname, [CLUSTER_HEADER]: cluster },
  };
  const { query } = await signer.presign(question, { expiresIn: EXPIRES_S }).catch((thrown: unknown) => {
    throw awsFailure(thrown, 'sign a token of EKS');
  });
  const url = `https://${hostname}/?${String(new URLSearchParams(query as Record<string, string>))}`;
  return PREFIX + Buffer.from(url).toString('base64url');
}

/** EKS asks none but the STS of a region. */
function hostOf(region: string): string {
  return `sts.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`;
}
