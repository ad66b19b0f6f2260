import { z } from 'zod';
import { personOf } from '../../access/person.ts';
import { type AccessRequest, digestOf } from '../../access/request.ts';
import { CustodyError } from '../../errors.ts';
import { parseJsonBytes } from '../../json.ts';
import { canonicalJson } from '../canonical-json.ts';
import { deviationKinds } from '../deviation.ts';

/** The command that was asked about is in it, whole. */
export const REQUEST_MAX_BYTES = 1 << 20;

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const uuid = z.uuidv7().lowercase();
const time = z.iso.datetime({ precision: 3 });
const account = z.strictObject({ issuer: z.string(), subject: z.string() });
const person = z.strictObject({
  ...account.shape,
  email: z.string().optional(),
  actors: z.array(account).min(1).optional(),
});
const statement = z.strictObject({ sha256, text: z.string() });
const at = { at: time };

const stepSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.enum(['approved', 'denied']),
    ...at,
    by: person,
    groups: z.array(z.string()),
    comment: z.string().optional(),
  }),
  z.strictObject({ kind: z.literal('withdrawn'), ...at, by: person }),
  z.strictObject({ kind: z.literal('granted'), ...at, until: time }),
  z.strictObject({ kind: z.literal('used'), ...at, session: uuid }),
  z.strictObject({ kind: z.literal('returned'), ...at, by: person }),
  z.strictObject({ kind: z.literal('revoked'), ...at, by: person, comment: z.string().optional() }),
]);

const requestSchema = z.strictObject({
  type: z.literal('custody/deviation-request/1'),
  id: uuid,
  requester: person,
  target: z.string(),
  rule: z.string(),
  policy: z.string(),
  reason: z.string().optional(),
  ticket: z.string().optional(),
  durationMs: z.int().min(0),
  breakGlass: z.literal(false),
  createdAt: time,
  pendingUntil: time,
  deviation: z.strictObject({
    run: uuid,
    workflow: z.string(),
    workflowDigest: sha256,
    task: z.string(),
    session: uuid,
    command: statement,
    kind: z.enum(deviationKinds),
    of: z.string().optional(),
    expected: z.string(),
    seen: z.string(),
    isAnswer: z.boolean(),
  }),
  steps: z.array(stepSchema).max(100),
});

export type DeviationRequest = AccessRequest & {
  readonly deviation: NonNullable<AccessRequest['deviation']>;
};

/** `requests/<id>.json`: what reviewers were asked about a deviation, and what they said. Throws `internal` for another request. */
export function requestFile(request: AccessRequest): Uint8Array {
  const { digest: _, requester, steps, ...question } = request;
  const file = {
    type: 'custody/deviation-request/1',
    ...question,
    requester: personOf(requester),
    steps: steps.map((step) => ('by' in step ? { ...step, by: personOf(step.by) } : step)),
  };
  if (requestSchema.safeParse(file).success) return Buffer.from(`${canonicalJson(file)}\n`);
  throw new CustodyError('internal', 'the request cannot be taken out', { detail: request.id });
}

/** Throws `format-invalid`; the message completes "requests/….json …". Its digest is made of what it says. */
export function readRequestFile(bytes: Uint8Array): DeviationRequest {
  const parsed = requestSchema.safeParse(parseJsonBytes(bytes, REQUEST_MAX_BYTES));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const what = `is not as a request is written: ${issue?.path.join('.')}: ${issue?.message}`;
    throw new CustodyError('format-invalid', what);
  }
  const { type: _, ...said } = parsed.data;
  const request = said as unknown as DeviationRequest;
  return { ...request, digest: digestOf(request) };
}
