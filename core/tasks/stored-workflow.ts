import { CustodyError } from '../errors.ts';
import { parseJson } from '../json.ts';
import { COMMAND_KEYS, type CommandProtocol } from '../protocols/command-parts.ts';
import { type DeclaredTask, workflowSchema } from './schema.ts';
import { type Workflow, workflowFrom } from './workflows.ts';

/**
 * The workflow that a run was under, from the text that is stored of it alone: how each task's commands are written says what its
 * target speaks. Rejects with `format-invalid` for a text that is no workflow.
 */
export async function storedWorkflow(name: string, text: string): Promise<Workflow> {
  const parsed = workflowSchema.safeParse(parseJson(text));
  if (!parsed.success)
    throw new CustodyError('format-invalid', `the workflow ${name} cannot be read`, {
      detail: parsed.error.message,
    });
  const tasks = Object.values(parsed.data.tasks);
  return workflowFrom(
    name,
    text,
    new Map(tasks.map((task) => [task.target, { protocol: protocolOf(task) }])),
  );
}

function protocolOf({ contract: { does } }: DeclaredTask): CommandProtocol {
  const found = (Object.keys(COMMAND_KEYS) as CommandProtocol[]).find(
    (protocol) => does[0]?.[COMMAND_KEYS[protocol]] !== undefined,
  );
  if (found !== undefined) return found;
  throw new CustodyError('format-invalid', 'a command of the workflow is of no protocol that is known here');
}
