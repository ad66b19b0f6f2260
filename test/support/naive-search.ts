/** A search that looks at everything: what every other has to give. */
import type { SearchedSession, SearchedStep } from '#core/search/entry.ts';
import { matches } from '#core/search/match.ts';
import type { FoundSession, Hit, Scope } from '#core/search/port.ts';
import type { SearchQuery } from '#core/search/query.ts';
import { isInScope } from '#core/search/scope.ts';

export interface Added {
  readonly session: SearchedSession;
  readonly steps: readonly SearchedStep[];
}

export function naiveHits(
  all: readonly Added[],
  query: SearchQuery,
  scopes: readonly Scope[],
): readonly Hit[] {
  return all
    .toSorted((a, b) => (a.session.id < b.session.id ? 1 : -1))
    .filter(({ session }) => isInScope(session, scopes))
    .flatMap(({ session, steps }) =>
      steps.flatMap((step) => {
        const matched = matches(query, session, step);
        return matched === undefined ? [] : [{ session, step: step.step, at: step.at, matched }];
      }),
    );
}

export function naiveSessions(
  all: readonly Added[],
  query: SearchQuery,
  scopes: readonly Scope[],
): readonly FoundSession[] {
  const found = new Map<string, { hits: Hit[]; of: Added }>();
  for (const hit of naiveHits(all, query, scopes)) {
    const of = all.find(({ session }) => session.id === hit.session.id)!;
    const entry = found.get(hit.session.id) ?? { hits: [], of };
    entry.hits.push(hit);
    found.set(hit.session.id, entry);
  }
  return [...found.values()].map(({ hits, of }) => {
    const facts = hits.map(({ step }) => of.steps.find((one) => one.step === step)!.facts);
    const { step, at, matched } = hits[0]!;
    return {
      session: of.session,
      steps: hits.length,
      errors: facts.filter(({ isError }) => isError).length,
      writes: facts.filter(({ isWrite }) => isWrite).length,
      first: { step, at, matched },
    };
  });
}
