/** Who finds the facts in steps of which protocol. Loaded where they are asked for: the parser of SQL is not small. */
import type { FactsOf } from './facts.ts';

export const LOAD_FACTS: ReadonlyMap<string, () => Promise<FactsOf>> = new Map([
  ['postgres', async () => (await import('./postgres/facts.ts')).loadPostgresFacts()],
  ['ssh', async () => (await import('./ssh/facts.ts')).sshFacts],
  ['kubernetes', loadKubernetes],
]);

/** With those of what a port-forward may carry. */
async function loadKubernetes(): Promise<FactsOf> {
  const { loadPostgresFacts } = await import('./postgres/facts.ts');
  const { postgresReader } = await import('./postgres/reader.ts');
  const { kubernetesFacts } = await import('./kubernetes/facts.ts');
  return kubernetesFacts(
    new Map([
      ['postgres', { factsOf: await loadPostgresFacts(), read: (json) => postgresReader.ofJson(json) }],
    ]),
  );
}

/** A command as somebody writes it; undefined where no shape can be made of it. */
export type ShapeOf = (command: string) => string | undefined;

/** In the order in which a command is tried that may be of any. */
export const LOAD_SHAPE_OF: ReadonlyMap<string, () => Promise<ShapeOf>> = new Map([
  ['postgres', async () => (await import('./postgres/facts.ts')).loadPostgresShapeOf()],
  ['ssh', async () => (await import('./ssh/facts.ts')).sshShapeOf],
]);
