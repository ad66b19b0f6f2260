/** Somebody who could log in now: for questions about people who do not ask themselves. */
import { CustodyError } from '../errors.ts';
import type { Actor, ClaimValue, Principal } from '../identity/principal.ts';
import type { Config, IssuerConfig } from './config.ts';

const HOUR_MS = 3_600_000;

/** What is said of them. What is not said they do not have. */
export interface Supposed {
  /** An e-mail address of a person, a subject of a machine. */
  readonly as: string;
  /** Where it is another than what they are called. */
  readonly subject?: string | undefined;
  /** As rules name them. */
  readonly groups: readonly string[];
  /** By its name in the configuration; the first when not given. */
  readonly issuer?: string | undefined;
  readonly claims?: Readonly<Record<string, ClaimValue>> | undefined;
  readonly actors?: readonly Actor[] | undefined;
  readonly mfa?: boolean | undefined;
  /** That the token was issued for. */
  readonly task?: string | undefined;
}

/** Throws `format-invalid` for an issuer that the configuration does not have. */
export function supposedPrincipal(supposed: Supposed, policy: Config, now: Date): Principal {
  const { as, subject = as, groups, claims, actors = [], mfa = false, task } = supposed;
  const issuer = issuerNamed(supposed.issuer, policy);
  return {
    issuer: issuer.issuer,
    issuerName: issuer.name,
    subject,
    ...(issuer.kind === 'workload' ? { workload: true as const } : { email: as }),
    groups,
    expiresAt: new Date(now.getTime() + HOUR_MS),
    claims: { ...absentClaims(policy), ...claims },
    ...(actors.length === 0 ? {} : { actors }),
    ...(mfa ? { mfa } : {}),
    ...(task === undefined ? {} : { task }),
  };
}

/** The configuration's issuer of this name, or its first. Throws `format-invalid`. */
export function issuerNamed(name: string | undefined, { issuers }: Pick<Config, 'issuers'>): IssuerConfig {
  const found = name === undefined ? issuers[0] : issuers.find((one) => one.name === name);
  if (found !== undefined) return found;
  const hint = `it has ${issuers.map((one) => one.name).join(', ')}`;
  throw new CustodyError('format-invalid', `the configuration has no issuer ${name}`, { hint });
}

/** Known not to be in the token, where they are not given. */
function absentClaims({ rules }: Pick<Config, 'rules'>): Record<string, readonly string[]> {
  const names = rules.flatMap(({ claims = {} }) => Object.keys(claims));
  return Object.fromEntries(names.map((name) => [name, []]));
}
