import { z } from 'zod';
import { CustodyError } from '../errors.ts';
import { closeReasons } from '../recording/format.ts';
import { parseStrictJson } from '../recording/verify/json.ts';

export const LEAF_MAX_BYTES = 4096;

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const session = z.uuidv7().lowercase();
const person = z.object({ issuer: z.string(), subject: z.string(), email: z.string().optional() });
const common = { type: z.literal('custody/leaf/1'), at: z.iso.datetime({ precision: 3 }) };
const ended = { ...common, session, statement: sha256, reason: z.enum(closeReasons) };
const seen = { ...common, session, by: person };

/** What must not vanish (FORMAT.md, "Leaves"). `statement`: SHA-256 of open.json or close.json. */
export const leafSchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('session-opened'),
    ...common,
    session,
    statement: sha256,
    principal: person,
    target: z.string(),
  }),
  z.object({ kind: z.literal('session-closed'), ...ended }),
  z.object({ kind: z.literal('session-recovered'), ...ended }),
  z.object({ kind: z.literal('recording-viewed'), ...seen }),
  z.object({ kind: z.literal('recording-exported'), ...seen }),
  z.object({ kind: z.literal('recording-rerun'), ...seen }),
  z.object({
    kind: z.literal('access-requested'),
    ...common,
    request: z.string(),
    by: person,
    target: z.string(),
  }),
  z.object({
    kind: z.literal('access-decided'),
    ...common,
    request: z.string(),
    by: person,
    decision: z.enum(['approved', 'denied']),
  }),
  z.object({ kind: z.literal('access-revoked'), ...common, grant: z.string(), by: person }),
  z.object({ kind: z.literal('policy-changed'), ...common, policy: sha256 }),
]);
export type Leaf = z.infer<typeof leafSchema>;

/** The entry's bytes: one line of JSON. Throws `internal` when it is longer than a leaf may be. */
export function leafBytes(leaf: Leaf): Uint8Array {
  const bytes = Buffer.from(JSON.stringify(leaf));
  if (bytes.byteLength <= LEAF_MAX_BYTES) return bytes;
  throw new CustodyError('internal', 'a ledger leaf is too long', {
    detail: `${leaf.kind}: ${bytes.byteLength} bytes`,
  });
}

/** A leaf of a kind that is known here; undefined for a kind of later versions. Throws `format-invalid`. */
export function parseLeaf(bytes: Uint8Array): Leaf | undefined {
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
