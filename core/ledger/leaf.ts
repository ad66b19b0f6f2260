import { z } from 'zod';
import { CustodyError } from '../errors.ts';
import { closeReasons } from '../recording/format.ts';
import { parseStrictJson } from '../recording/verify/json.ts';
import { deviationKinds } from '../tasks/deviation.ts';
import { verdicts } from '../tasks/result/result.ts';

export const LEAF_MAX_BYTES = 4096;

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
/** Of a public key, as `ssh-keygen -l` prints it. */
const fingerprint = z.string().regex(/^SHA256:[A-Za-z0-9+/]{43}$/);
const session = z.uuidv7().lowercase();
const request = z.uuidv7().lowercase();
const run = z.uuidv7().lowercase();
const sandbox = z.uuidv7().lowercase();
/** `step`: which of the run's it is, from 1 on. Without it nobody could say that none is left out, or in which order they came. */
const runStep = { run, step: z.int().min(1) };
const execution = { ...runStep, task: z.string(), session };
const time = z.iso.datetime({ precision: 3 });
const account = z.object({ issuer: z.string(), subject: z.string() });
const person = z.object({
  ...account.shape,
  email: z.string().optional(),
  actors: z.array(account).min(1).readonly().optional(),
});
const ended = { session, statement: sha256, reason: z.enum(closeReasons) };
/** `part`: what of it, where it is not all: `steps 200-399`, `step 12, by a search`, `result 7 as CSV`. */
const seen = { session, by: person, part: z.string().max(200).optional() };
/** Of an SSH certificate: 64 bits in decimal digits. */
const serial = z.string().regex(/^(?:0|[1-9]\d{0,19})$/);
/** Of a public key, as `ssh-keygen -l` prints it. */
const key = z.string().regex(/^SHA256:[A-Za-z0-9+/]{43}$/);
/** `user`: the externalId by which an issuer's directory names a person. */
const known = { issuer: z.string(), user: z.string() };

/** What must not vanish (FORMAT.md, "Leaves"). `statement`: SHA-256 of open.json or close.json. */
export const leafSchema = z.discriminatedUnion('kind', [
  leafOf('session-opened', { session, statement: sha256, principal: person, target: z.string() }),
  leafOf('session-closed', ended),
  leafOf('session-recovered', ended),
  leafOf('recording-viewed', seen),
  leafOf('recording-exported', seen),
  leafOf('recording-rerun', { ...seen, against: z.string().optional() }),
  leafOf('access-requested', {
    request,
    digest: sha256,
    by: person,
    target: z.string(),
    rule: z.string(),
    breakGlass: z.boolean(),
    /** Of a grant for a run, or a command that waits in one. */
    run: z.uuidv7().lowercase().optional(),
    /** Whose command waits. */
    session: session.optional(),
  }),
  leafOf('access-decided', { request, digest: sha256, by: person, decision: z.enum(['approved', 'denied']) }),
  leafOf('access-granted', { request, digest: sha256, until: time }),
  leafOf('access-used', { request, session }),
  leafOf('access-ended', { request, by: person, how: z.enum(['withdrawn', 'returned', 'revoked']) }),
  leafOf('access-reviewed', { request, by: person, verdict: z.enum(['justified', 'unjustified']) }),
  leafOf('policy-changed', { policy: sha256 }),
  leafOf('person-deactivated', known),
  leafOf('person-reactivated', known),
  leafOf('group-changed', {
    issuer: z.string(),
    group: z.string(),
    how: z.enum(['came', 'left']),
    users: z.array(z.string()).min(1),
  }),
  leafOf('logged-out', {
    issuer: z.string(),
    subject: z.string().optional(),
    sid: z.string().optional(),
    token: sha256,
  }),
  leafOf('device-registered', {
    device: fingerprint,
    by: person,
    fido: z.boolean(),
    attested: z.boolean(),
    approval: z.boolean(),
  }),
  leafOf('device-approved', { device: fingerprint, by: person, last: z.boolean() }),
  leafOf('device-revoked', { device: fingerprint, by: person }),
  leafOf('ssh-certificate-issued', { serial, key, by: person, until: time }),
  leafOf('ssh-certificate-revoked', {
    by: person,
    serial: serial.optional(),
    key: key.optional(),
    of: account.optional(),
  }),
  leafOf('run-started', {
    run,
    digest: sha256,
    workflow: z.string(),
    workflowDigest: sha256,
    by: person,
    policy: sha256,
  }),
  leafOf('task-started', execution),
  leafOf('run-deviated', {
    ...execution,
    deviation: z.enum(deviationKinds),
    how: z.enum(['recorded', 'asked', 'stopped']),
  }),
  leafOf('task-ended', { ...execution, verdict: z.enum(verdicts), result: sha256 }),
  leafOf('run-ended', { ...runStep, by: person }),
  leafOf('sandbox-made', {
    sandbox,
    target: z.string(),
    from: z.string(),
    dataAt: time,
    by: person,
    until: time,
    session: session.optional(),
  }),
  leafOf('sandbox-removed', { sandbox }),
]);
export type Leaf = z.infer<typeof leafSchema>;

/** Members come out in this order, whatever order they had. */
function leafOf<const Kind extends string, Members extends z.ZodRawShape>(kind: Kind, members: Members) {
  return z.object({ type: z.literal('custody/leaf/1'), kind: z.literal(kind), at: time, ...members });
}

/**
 * The entry's bytes: one line of JSON, the same for the same leaf. Throws `internal` when it could not be read again, or is
 * longer than a leaf may be.
 */
export function leafBytes(leaf: Leaf): Uint8Array {
  const ordered = leafSchema.safeParse(leaf);
  if (!ordered.success) {
    throw new CustodyError('internal', 'a ledger leaf is ill-formed', { detail: ordered.error.message });
  }
  const bytes = Buffer.from(JSON.stringify(ordered.data));
  if (bytes.byteLength <= LEAF_MAX_BYTES) return bytes;
  throw new CustodyError('internal', 'a ledger leaf is too long', {
    detail: `${leaf.kind}: ${bytes.byteLength} bytes`,
  });
}

/** A leaf of a kind that is known here; undefined for a kind of later versions. Throws `format-invalid`. */
export function parseLeaf(bytes: Uint8Array): Leaf | undefined {
  if (bytes.byteLength > LEAF_MAX_BYTES) throw invalid(`it is ${bytes.byteLength} bytes long`);
  const json = parseStrictJson(bytes);
  if (json['type'] !== 'custody/leaf/1' || typeof json['kind'] !== 'string')
    throw invalid('it is not a leaf');
  if (!kinds.has(json['kind'])) return undefined;
  const parsed = leafSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw invalid(`${json['kind']}: ${issue?.path.join('.')}: ${issue?.message}`);
}

const kinds: ReadonlySet<string> = new Set(leafSchema.options.map(({ shape }) => shape.kind.value));

function invalid(what: string): CustodyError {
  return new CustodyError('format-invalid', `a leaf of the ledger cannot be read: ${what}`);
}
