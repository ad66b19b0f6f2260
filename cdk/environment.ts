import type { AwsEnvironment } from '#adapters/aws/env.ts';

/** All that a process reads, so that one which is missing does not compile. Lambda sets the region itself. */
export type FunctionEnvironment = {
  readonly [Name in Exclude<keyof AwsEnvironment, 'AWS_REGION'>]-?: string;
};

export type ProxyEnvironment = FunctionEnvironment & {
  readonly AWS_REGION: string;
  /** The secret with the certificate and key that clients see. */
  readonly CUSTODY_TLS_SECRET: string;
};
