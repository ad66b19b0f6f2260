import type { AwsEnvironment } from '#adapters/aws/env.ts';

type Variables = { readonly [Name in keyof AwsEnvironment]-?: string };

type Common = Omit<Variables, 'AWS_REGION' | 'CUSTODY_TLS_SECRET' | 'CUSTODY_POLICY_DEPLOYED'>;

/** All that a process reads, so that one which is missing does not compile. */
export type ProxyEnvironment = Common & Pick<Variables, 'AWS_REGION' | 'CUSTODY_TLS_SECRET'>;

/** Lambda sets the region itself; the certificate is the proxy's alone. */
export type FunctionEnvironment = Common & Pick<Variables, 'CUSTODY_POLICY_DEPLOYED'>;
