import type { Config } from '#core/access/config.ts';
import { newSessionId } from '#core/recording/session-id.ts';
import { RunDesk } from '#core/tasks/run-desk.ts';
import { workflowTexts } from '#core/tasks/workflow-texts.ts';
import { workflowDigest } from '#core/tasks/workflows.ts';
import type { RunsPorts } from '#lambdas/runs/handler.ts';
import { MemoryLeaves, MemoryStore } from './memory-ports.ts';
import { MemoryRuns } from './memory-runs.ts';

/** What the API of runs needs, in memory. */
export function memoryRuns(
  now: () => Date,
  source = new MemoryStore(),
  leaves = new MemoryLeaves(),
): Pick<RunsPorts, 'texts'> & { readonly runs: MemoryRuns; readonly desk: RunDesk } {
  const runs = new MemoryRuns();
  const texts = workflowTexts(source);
  let ids = 0;
  const newId = (at: Date): string => newSessionId(at.getTime() + (ids += 1), new Uint8Array(10));
  const stream = { tell: async () => undefined };
  const newKey = (): Uint8Array => new Uint8Array(32).fill(ids);
  return { runs, texts, desk: new RunDesk({ runs, texts, leaves, stream, now, newId, newKey }) };
}

/** As `readConfig` compiles them, without commands: for whoever starts runs and runs nothing. */
export function withoutContracts(config: Config): Config {
  const compiled = [...config.workflows].map(([name, { written: text, ...declared }]) => {
    const digest = workflowDigest({ written: text });
    return [name, { name, digest, text, declared, tasks: new Map() }] as const;
  });
  return { ...config, compiled: new Map(compiled) };
}

/** For APIs of which no test asks about runs. */
export function noRuns(): Pick<RunsPorts, 'runs' | 'desk' | 'texts'> {
  return memoryRuns(() => new Date(0));
}
