import type { AwsEnvironment } from '#adapters/aws/env.ts';

type Variables = { readonly [Name in keyof AwsEnvironment]-?: string };

/** All that a process reads, so that one which is missing does not compile. */
export type ProxyEnvironment = Variables;

/** Lambda sets the region itself; the certificate is the proxy's alone. */
export type FunctionEnvironment = Omit<Variables, 'AWS_REGION' | 'CUSTODY_TLS_SECRET'>;
