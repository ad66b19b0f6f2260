import type { Authorization } from '#core/access/decide.ts';
import { ExactSession } from '#core/protocols/postgres/exact-session.ts';
import { meaningFor } from '#core/protocols/postgres/meaning.ts';
import type { PostgresTarget } from '#core/protocols/postgres/schema.ts';
import { StatementGate } from '#core/protocols/postgres/statement-gate.ts';
import type { GateTerms } from './gate-terms.ts';

/** What a session goes by whose grant names commands; undefined for every other. `claim`: see `Hands.claim`. */
export function exactTerms(
  { target, terms, grant }: Authorization<'connect'>,
  claim: () => Promise<void>,
): GateTerms | undefined {
  if (grant?.statements === undefined) return undefined;
  const hashes = grant.statements.map(({ sha256 }) => sha256);
  const beside = terms.approval?.allow ?? [];
  const settings = meaningFor(target as PostgresTarget);
  return {
    what: 'this grant is for exact commands',
    settings,
    beside,
    gate: (hands) =>
      new ExactSession(new StatementGate(hashes, beside), settings, {
        ...hands,
        claim,
        end: (error) => hands.end('not-approved', error),
      }),
  };
}
