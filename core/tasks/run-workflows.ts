import type { Run } from './run.ts';
import type { WorkflowTexts } from './store.ts';
import { storedWorkflow } from './stored-workflow.ts';
import type { Workflow } from './workflows.ts';

/** Whoever settles works on few at a time. */
const KNOWN_MAX = 100;

/** The workflow that a run is under, from its stored text: each is compiled once. */
export function runWorkflows(texts: Pick<WorkflowTexts, 'get'>): (run: Run) => Promise<Workflow> {
  const known = new Map<string, Promise<Workflow>>();
  return ({ workflow, workflowDigest: digest }) => {
    const key = `${workflow}/${digest}`;
    const found = known.get(key);
    if (found !== undefined) return found;
    const read = texts.get(digest).then((text) => storedWorkflow(workflow, text));
    read.catch(() => known.delete(key));
    if (known.size >= KNOWN_MAX) known.clear();
    known.set(key, read);
    return read;
  };
}
