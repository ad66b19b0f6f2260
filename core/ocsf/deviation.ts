import type { ReadStep } from '../replay/reader.ts';
import type { SessionParts } from './session-parts.ts';
import type { StepShape } from './step-shape.ts';

/** What the gateway noted where a task left its contract (core/tasks/session.ts), as a finding; undefined for every other step. */
export function deviationOf(
  { step: { note } }: ReadStep,
  uid: string,
  { actor, agent, source, destination, unmapped, target }: SessionParts,
): StepShape | undefined {
  if (note?.['note'] !== 'task-deviation') return undefined;
  const [kind, expected, seen, how] = ['kind', 'expected', 'seen', 'how'].map((key) => wordOf(note[key]));
  const { workflow = '', workflow_digest: digest, task = '' } = unmapped;
  return {
    class: 'detection_finding',
    activity: 1,
    fields: {
      finding_info: {
        uid,
        title: `Task ${task} of ${workflow} left its contract: ${kind}`,
        desc: `expected ${expected}, seen ${seen} (${how})`,
        types: [kind],
        analytic: { name: workflow || 'contract', type: 'Rule', type_id: 1, ...(digest && { uid: digest }) },
      },
      evidences: [
        {
          ...{ actor, src_endpoint: source, dst_endpoint: destination },
          ...(agent === undefined ? {} : { ai_agent: agent }),
        },
      ],
      resources: [{ name: target, type: 'target' }],
      is_alert: true,
    },
  };
}

/** Notes are JSON of the gateway's own, and bytes of a recording all the same. */
function wordOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
