import type { RecordingSink, RecordingSource, Signer } from '#core/recording/ports.ts';
import { deriveTaskResult } from '#core/tasks/result/derive.ts';
import type { RunDesk } from '#core/tasks/run-desk.ts';
import { RunSettler, type SettleFailure } from '#core/tasks/settle.ts';
import type { RunStore, WorkflowTexts } from '#core/tasks/store.ts';
import { storedWorkflow } from '#core/tasks/stored-workflow.ts';
import type { Workflow } from '#core/tasks/workflows.ts';

export interface SettlingPorts {
  readonly runs: RunStore;
  readonly desk: RunDesk;
  readonly store: RecordingSource & RecordingSink;
  readonly signer: Signer;
  readonly texts: Pick<WorkflowTexts, 'get'>;
  readonly now: () => Date;
}

/** What derives the results of tasks on this machine. Workflows are compiled once. */
export function localSettler({ texts, ...ports }: SettlingPorts): RunSettler {
  const read = new Map<string, Promise<Workflow>>();
  const workflowOf = ({ workflow, workflowDigest: digest }: { workflow: string; workflowDigest: string }) => {
    const known = read.get(digest) ?? texts.get(digest).then((text) => storedWorkflow(workflow, text));
    read.set(digest, known);
    known.catch(() => read.delete(digest));
    return known;
  };
  return new RunSettler({ ...ports, workflowOf, derive: deriveTaskResult });
}

/** Says of each session once that its result cannot be derived. */
export function settleNews(say: (line: string) => void): (failures: readonly SettleFailure[]) => void {
  const said = new Set<string>();
  return (failures) => {
    for (const { session, error } of failures) {
      if (said.has(session)) continue;
      said.add(session);
      say(`${error.message} (${error.detail ?? error.code})`);
    }
  };
}
