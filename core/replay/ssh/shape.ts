/** step.ts as JSON. */
import { z } from 'zod';
import type { JsonStep } from '../reader.ts';
import { base, count, shown } from '../shape-parts.ts';
import { fileShape, gitShape } from './files/shape.ts';
import type { SshOutcome, SshStep, SshStepKind } from './step.ts';

const KINDS = [
  'login',
  'exec',
  'shell',
  'subsystem',
  'session',
  'command',
  'file',
  'git',
  'forward',
  'listen',
  'request',
  'said',
  'note',
  'damaged',
  'end',
] as const satisfies readonly SshStepKind[];

const OUTCOMES = [
  'completed',
  'failed',
  'refused',
  'denied',
  'ended',
  'unfinished',
] as const satisfies readonly SshOutcome[];

const data = z.object({
  bytes: count,
  sha256: z.string().optional().meta({ description: 'of all of it; absent where it is not all recorded' }),
  sample: shown,
  withheld: count.optional().meta({ description: 'bytes that stand as zeros in the recording' }),
});

const outcome = z.enum(OUTCOMES).optional().meta({
  description:
    'refused: by the target; denied: by the gateway, and it did not reach the target; ended: by the gateway',
});

const request = z.object({
  type: z.string(),
  outcome,
  words: z.string().optional().meta({ description: 'why the gateway would not' }),
});
const size = { columns: count, rows: count };
const address = z.object({ host: z.string(), port: count.optional() });

const program = z.object({
  pty: z
    .object({
      ...size,
      term: z.string(),
      resizes: z.array(z.object({ ...size, at: z.number() })).readonly(),
      resized: count.meta({ description: 'all of them' }),
    })
    .optional(),
  env: z
    .array(z.object({ name: z.string(), value: shown, outcome }))
    .readonly()
    .optional(),
  signals: z.array(z.string()).readonly().optional(),
  requests: z.array(request).readonly().optional(),
  exitStatus: count.optional(),
  exitSignal: z.object({ name: z.string(), core: z.boolean(), message: z.string() }).optional(),
  input: data.optional(),
  output: data.optional(),
  errors: data.optional().meta({ description: 'stderr, where it is apart' }),
  commands: count.optional().meta({ description: 'lines that were found in its terminal' }),
  said: data.optional().meta({ description: 'by the gateway to the client' }),
  forced: shown.optional().meta({ description: 'what ran in its place' }),
});

const forward = z.object({
  kind: z.enum(['local', 'remote', 'agent', 'x11', 'other']),
  type: z.string(),
  to: address.optional(),
  from: address.optional(),
  sent: data.optional(),
  received: data.optional(),
});

const login = z.object({
  user: z.string(),
  methods: z.array(z.string()).readonly(),
  keys: z
    .array(
      z.object({
        algorithm: z.string(),
        fingerprint: z.string(),
        certificate: z.object({ serial: z.string(), keyId: z.string() }).optional(),
      }),
    )
    .readonly()
    .optional(),
  accepted: z.boolean(),
});

export const sshStepShape = z
  .object({
    ...base,
    kind: z.enum(KINDS),
    outcome,
    channel: count.optional().meta({ description: 'from 1, in the order in which they were opened' }),
    command: shown.optional(),
    prompt: shown.optional().meta({ description: 'what stood before the command on the screen' }),
    heuristic: z
      .literal(true)
      .optional()
      .meta({ description: 'concluded from what a terminal would have shown; the bytes are the truth' }),
    foundBy: z.enum(['marks', 'screen']).optional(),
    exitStatus: z.int().optional(),
    program: program.optional(),
    forward: forward.optional(),
    login: login.optional(),
    request: request.optional(),
    listen: address.optional(),
    file: fileShape.optional(),
    git: gitShape.optional(),
    refusal: z.object({ code: count, message: z.string() }).optional(),
    said: shown.optional(),
  })
  .meta({ id: 'SshStep' });

/** A step is JSON as it is. */
export function sshStepJson(step: SshStep): JsonStep & z.input<typeof sshStepShape> {
  return { ...step };
}

export function sshStepOf(json: JsonStep): SshStep {
  return json as unknown as SshStep;
}
