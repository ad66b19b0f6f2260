import type { Action } from '#core/access/config.ts';
import { parseConfig } from '#core/access/config.ts';
import { Authorization, decide } from '#core/access/decide.ts';
import type { Principal } from '#core/identity/principal.ts';

export const NOW = new Date('2026-11-29T14:00:00.000Z');
export const ISSUER = 'https://id.example';

export const POLICY = parseConfig(
  `version: 1
identity: { issuer: ${ISSUER}, audience: custody }
targets:
  orders-db:
    protocol: postgres
    address: db.internal:5432
    database: main
    credential: { user: app, passwordFile: secret }
  sandbox-db:
    protocol: postgres
    sandbox: { from: orders-db, at: now, for: 1h }
    database: main
    credential: { user: app, passwordFile: secret }
rules:
  - { name: work, groups: [developers], targets: [orders-db, sandbox-db], allow: [connect] }
  - { name: again, groups: [developers], targets: ["*"], allow: [rerun, replay] }
  - { name: any, groups: [auditors], targets: ["*"], allow: [rerun, connect], sessions: any }
`,
  'custody.yaml',
);

export function person(subject: string, more: Partial<Principal> = {}): Principal {
  const expiresAt = new Date(NOW.getTime() + 86_400_000);
  return { issuer: ISSUER, subject, groups: ['developers'], expiresAt, ...more };
}

/** A permission, as `decide` gives it. */
export function may<A extends Action>(action: A, target: string, principal: Principal): Authorization<A> {
  const decision = decide({ policy: POLICY, principal, action, target, session: principal, now: NOW });
  if (Authorization.isOne(decision)) return decision;
  throw new Error(decision.message);
}
