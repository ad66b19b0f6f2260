import { type Config, parseConfig } from '#core/access/config.ts';
import type { Person } from '#core/access/person.ts';
import { type AccessRequest, digestOf, type Step } from '#core/access/request.ts';
import type { Principal } from '#core/identity/principal.ts';
import { newSessionId } from '#core/recording/session-id.ts';

/** A Monday, 10:00 in Zurich. */
export const NOW = new Date('2026-11-23T09:00:00.000Z');
export const ISSUER = 'https://id.example';
export const HOUR = 3_600_000;

/** Two targets, orders-db and payroll-db, and these rules; `more`: further keys of the file. */
export function policyOf(rules: readonly string[], more = ''): Config {
  const target = (name: string): string =>
    `  ${name}: { protocol: postgres, address: "db.internal:5432", database: main, credential: { user: app, passwordFile: secret } }`;
  const text = `version: 1
identity: { issuer: ${ISSUER}, audience: custody }
targets:
${target('orders-db')}
${target('payroll-db')}
rules: [${rules.map((rule) => `\n  { ${rule} }`).join(',')}]
${more}`;
  return parseConfig(text, 'custody.yaml');
}

export const CI = 'https://ci.example';
export const OTHER = 'https://other.example';

/** Three issuers: `default` and `other` are people's, `ci` is of machines. `more`: further keys of both of the former. */
export function issuersOf(more = ''): Config['issuers'] {
  const text = `version: 1
targets: {}
identity:
  - { issuer: ${ISSUER}, audience: custody ${more} }
  - { name: other, issuer: ${OTHER}, audience: custody, groupsPrefix: "other:" ${more} }
  - { name: ci, kind: workload, issuer: ${CI}, audience: custody, match: { owner: acme } }`;
  return parseConfig(text, 'custody.yaml').issuers;
}

/** Somebody with a token that is good for an hour. */
export function principal(
  subject: string,
  groups: readonly string[],
  more: Partial<Principal> = {},
): Principal {
  return { issuer: ISSUER, subject, groups, expiresAt: after(HOUR), ...more };
}

export function person(subject: string, email?: string): Person {
  return email === undefined ? { issuer: ISSUER, subject } : { issuer: ISSUER, subject, email };
}

/** `ms` after NOW. */
export function after(ms: number): Date {
  return new Date(NOW.getTime() + ms);
}

export function iso(ms: number): string {
  return after(ms).toISOString();
}

/** A UUID version 7; another for another `n`. */
export function idOf(n: number): string {
  return newSessionId(NOW.getTime() + n, Buffer.alloc(10, n));
}

/** A request of dana for orders-db by the rule `ask`, asked for a minute before NOW. */
export function requestOf(more: Partial<AccessRequest> = {}): AccessRequest {
  const question = {
    requester: person('dana'),
    target: 'orders-db',
    rule: 'ask',
    policy: 'a'.repeat(64),
    reason: 'look',
    durationMs: HOUR,
    breakGlass: false,
    createdAt: iso(-60_000),
    pendingUntil: iso(HOUR),
    ...more,
  };
  return { id: idOf(1), digest: digestOf(question), steps: [], ...question };
}

/** Granted a minute before NOW, for an hour; and then `steps`. */
export function grantedRequest(more: Partial<AccessRequest> = {}, ...steps: readonly Step[]): AccessRequest {
  const grant: Step = { at: iso(-60_000), kind: 'granted', until: iso(HOUR - 60_000) };
  return requestOf({ steps: [grant, ...steps], ...more });
}

/** The code, the message and the hint of what `run` throws. */
export function thrownBy(run: () => unknown): { readonly code: string; readonly message: string } {
  try {
    run();
  } catch (error) {
    const { code, message } = error as { code: string; message: string };
    return { code, message };
  }
  return { code: 'nothing', message: 'nothing was thrown' };
}
