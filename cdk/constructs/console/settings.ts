import type { ICertificate } from 'aws-cdk-lib/aws-certificatemanager';

/** `false`: nowhere. `'api'`: at the API's address, where no CloudFront is wanted. Otherwise behind CloudFront. */
export type ConsoleSettings = false | 'api' | ConsoleDistributionSettings;

export interface ConsoleDistributionSettings {
  /** A name of yours, with its certificate, which is in us-east-1; CloudFront's own name when not given. */
  readonly domainName?: string;
  readonly certificate?: ICertificate;
  /** Of AWS WAF, for CloudFront. */
  readonly webAclArn?: string;
}
