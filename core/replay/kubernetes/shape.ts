/** step.ts as JSON. */
import { z } from 'zod';
import type { JsonStep } from '../reader.ts';
import { base, count, shown } from '../shape-parts.ts';
import type { KubernetesOutcome, KubernetesStep, KubernetesStepKind } from './step.ts';

const KINDS = [
  'login',
  'call',
  'begun',
  'watch',
  'event',
  'logs',
  'exec',
  'attach',
  'portforward',
  'forward',
  'carried',
  'file',
  'command',
  'note',
  'damaged',
  'end',
] as const satisfies readonly KubernetesStepKind[];

const OUTCOMES = [
  'completed',
  'failed',
  'refused',
  'denied',
  'ended',
  'cut',
  'unfinished',
] as const satisfies readonly KubernetesOutcome[];

const dataParts = {
  bytes: count,
  sha256: z.string().optional().meta({ description: 'of all of it; absent where it is withheld' }),
  sample: shown,
  withheld: count.optional().meta({ description: 'bytes that are not in the recording' }),
};
const data = z.object(dataParts);
const body = z.object({
  ...dataParts,
  type: z.string().optional(),
  readAs: z
    .literal('json')
    .optional()
    .meta({ description: 'the sample is the body as JSON, which it was not' }),
  why: z.enum(['secret', 'digest']).optional(),
});

const identity = { user: z.string(), groups: z.array(z.string()).readonly() };
const pair = z.object({ name: z.string(), value: z.string() });

const call = z.object({
  method: z.string(),
  target: shown,
  http: z.string(),
  connection: count,
  verb: z.string().optional().meta({ description: 'as RBAC has it' }),
  resource: z.string().optional().meta({ description: 'pods/exec, deployments.apps' }),
  version: z.string().optional(),
  namespace: z.string().optional(),
  name: z.string().optional(),
  path: z.string().optional(),
  query: z.array(pair).readonly().optional(),
  as: z.object(identity).optional().meta({ description: 'whom the cluster is told that it is' }),
  agent: z.string().optional(),
  status: count.optional(),
  reason: z.string().optional(),
  message: shown.optional(),
  by: z.literal('gateway').optional().meta({ description: 'who answered; the cluster where it is absent' }),
  request: body.optional(),
  response: body.optional(),
});

const diff = z.object({
  since: count.meta({ description: 'the call whose answer had the object as it was before' }),
  changes: z
    .array(
      z.object({
        path: z.string(),
        change: z.enum(['added', 'removed', 'changed']),
        before: shown.optional(),
        after: shown.optional(),
      }),
    )
    .readonly(),
  more: count.optional(),
  before: shown.optional(),
});

const program = z.object({
  container: z.string().optional(),
  tty: z.literal(true).optional(),
  size: z.object({ columns: count, rows: count }).optional(),
  resized: count.optional(),
  input: data.optional(),
  output: data.optional(),
  errors: data.optional(),
  exitCode: z.int().optional(),
  said: shown.optional(),
  commands: count.optional(),
  files: count.optional(),
});

const watch = z.object({
  events: count,
  counts: z.array(z.object({ type: z.string(), kind: z.string(), count })).readonly(),
  untold: count.optional().meta({ description: 'events that have no step of their own' }),
});

const event = z.object({
  type: z.string(),
  kind: z.string(),
  namespace: z.string().optional(),
  name: z.string().optional(),
  message: shown.optional(),
});

const forward = z.object({
  number: count,
  port: count,
  to: z.string().optional().meta({ description: 'the pod, as dev/db-0' }),
  sent: data.optional(),
  received: data.optional(),
  error: shown.optional(),
  speaks: z.string().optional(),
});

const file = z.object({
  path: shown,
  type: z.enum(['file', 'folder', 'link', 'other']),
  direction: z.enum(['upload', 'download']),
  size: z.number().min(0),
  sha256: z.string().optional(),
});

export const kubernetesStepShape = z
  .object({
    ...base,
    kind: z.enum(KINDS),
    outcome: z.enum(OUTCOMES).optional().meta({
      description:
        'refused: by the cluster; denied: by the gateway, and it did not reach the cluster; ended: by the gateway',
    }),
    channel: count.optional().meta({ description: 'the number of the call' }),
    login: z.object({ ...identity, agent: z.string().optional() }).optional(),
    call: call.optional(),
    cut: z.object({ by: z.string(), code: z.string().optional(), message: z.string().optional() }).optional(),
    diff: diff.optional(),
    command: shown.optional(),
    words: z.array(z.string()).readonly().optional(),
    program: program.optional(),
    watch: watch.optional(),
    event: event.optional(),
    forward: forward.optional(),
    forwards: count.optional(),
    file: file.optional(),
    carried: z
      .object({ protocol: z.string(), forward: count, step: z.record(z.string(), z.unknown()) })
      .optional()
      .meta({ description: 'a step of the protocol that a forwarded connection speaks' }),
    prompt: shown.optional(),
    heuristic: z
      .literal(true)
      .optional()
      .meta({ description: 'concluded from what a terminal would have shown; the bytes are the truth' }),
    foundBy: z.enum(['marks', 'screen']).optional(),
    exitStatus: z.int().optional(),
  })
  .meta({ id: 'KubernetesStep' });

/** A step is JSON as it is. */
export function kubernetesStepJson(step: KubernetesStep): JsonStep & z.input<typeof kubernetesStepShape> {
  return { ...step };
}

export function kubernetesStepOf(json: JsonStep): KubernetesStep {
  return json as unknown as KubernetesStep;
}
