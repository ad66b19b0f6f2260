/** What `custody init aws` was told and found: everything that its files say. */
import type { Place } from '../aws/account.ts';
import type { Provider } from './identity.ts';

export interface PlannedIdentity {
  readonly provider: Provider;
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret?: string;
  readonly groupsClaim?: string;
  /** Where tokens have no groups: who is in which, by e-mail. */
  readonly members?: Readonly<Record<string, readonly string[]>>;
}

/** Groups as tokens have them. */
export interface PlannedGroups {
  readonly developers: string;
  readonly reviewers: string;
  readonly administrators: string;
}

export interface PlannedTarget {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly engine: string;
  /** `secret`: its name in Secrets Manager. */
  readonly login: { readonly rdsIam: true } | { readonly secret: string };
  readonly resourceId: string;
  readonly securityGroupId?: string;
  /** For the person: what is to be known of it. */
  readonly notes: readonly string[];
}

export interface Plan extends Place {
  readonly hostname: string;
  /** Of Route 53, where the deployment makes the record of the host name. */
  readonly hostedZoneId?: string;
  readonly clients: readonly string[];
  /** A new one when not given. */
  readonly vpcId?: string;
  readonly identity: PlannedIdentity;
  readonly groups: PlannedGroups;
  readonly targets: readonly PlannedTarget[];
}

/** The gateway's login at each database. */
export const DATABASE_USER = 'custody';
export const TLS_SECRET = 'custody/gateway-certificate';
/** Of the CA that signed it, where that is the gateway's own: no role of the stack may read it. */
export const CA_SECRET = 'custody/gateway-ca';
export const CONFIG_FOLDER = 'custody-config';
