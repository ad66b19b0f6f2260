/** Who finds the facts in steps of which protocol. Loaded where they are asked for: the parser of SQL is not small. */
import type { FactsOf } from './facts.ts';

export const LOAD_FACTS: ReadonlyMap<string, () => Promise<FactsOf>> = new Map([
  ['postgres', async () => (await import('./postgres/facts.ts')).loadPostgresFacts()],
  ['ssh', async () => (await import('./ssh/facts.ts')).sshFacts],
]);
