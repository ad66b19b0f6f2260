import type { Authorization } from '#core/access/decide.ts';
import { meaningFor } from '#core/protocols/postgres/meaning.ts';
import type { PostgresTarget } from '#core/protocols/postgres/schema.ts';
import { StatementGate } from '#core/protocols/postgres/statement-gate.ts';
import type { ExactTerms } from './link.ts';

/** What a session goes by whose grant names commands; undefined for every other. */
export function exactTerms(
  { target, terms, grant }: Authorization<'connect'>,
  claim: () => Promise<void>,
): ExactTerms | undefined {
  if (grant?.statements === undefined) return undefined;
  const hashes = grant.statements.map(({ sha256 }) => sha256);
  const beside = terms.approval?.allow ?? [];
  return {
    gate: new StatementGate(hashes, beside),
    settings: meaningFor(target as PostgresTarget),
    beside,
    claim,
  };
}
