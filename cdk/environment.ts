import type { AwsEnvironment } from '#adapters/aws/env.ts';

type Variables = { readonly [Name in keyof AwsEnvironment]-?: string };

/** Only of a stack that has SSH targets. */
type Ssh = 'CUSTODY_SSH_ADDRESS' | 'CUSTODY_SSH_USER_CA' | 'CUSTODY_SSH_TARGET_CA';
/** Only of a stack that has clusters; the functions alone tell people of it. */
type Kubernetes = 'CUSTODY_KUBERNETES_ADDRESS';
type KubernetesProxy = 'CUSTODY_KUBERNETES_PORT';
type SshProxy = 'CUSTODY_SSH_PORT' | 'CUSTODY_SSH_HOST_KEY_SECRET';
/** Of the way that the console is served: one of them, or none. */
type Console = 'CUSTODY_EDGE_SECRET' | 'CUSTODY_EVIDENCE_ORIGIN';
type OfFunctions = 'CUSTODY_POLICY_DEPLOYED' | 'CUSTODY_EVENTS_BUCKET' | 'CUSTODY_EVENTS_DATABASE';
type Common = Omit<
  Variables,
  'AWS_REGION' | 'CUSTODY_TLS_SECRET' | OfFunctions | Console | Ssh | SshProxy | Kubernetes | KubernetesProxy
> &
  Partial<Pick<Variables, Ssh>>;

/** All that a process reads, so that one which is missing does not compile. */
export type ProxyEnvironment = Common &
  Pick<Variables, 'AWS_REGION' | 'CUSTODY_TLS_SECRET'> &
  Partial<Pick<Variables, SshProxy | KubernetesProxy>>;

/** Lambda sets the region itself; the certificate is the proxy's alone. */
export type FunctionEnvironment = Common &
  Pick<Variables, OfFunctions> &
  Partial<Pick<Variables, Kubernetes | Console>>;
