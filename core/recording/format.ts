/** Constants and shapes of FORMAT.md: all that the writer and the verifier share. */
import { z } from 'zod';

export const STATEMENT_MAX_BYTES = 4096;
export const FRAME_HEADER_BYTES = 16;
export const FRAME_MAX_PAYLOAD = 1 << 20;
export const BLOCK_MAX_BYTES = 4 << 20;
export const SEGMENT_MAX_BYTES = 64 << 20;
export const HEAD_BYTES = 440;
export const SIGNATURE_BYTES = 64;
export const TRAILER_BYTES = 8 + HEAD_BYTES + SIGNATURE_BYTES;
/** Before a manifest: magic and size of a skippable frame. */
export const MANIFEST_HEADER_BYTES = 8;
export const MANIFEST_MAX_HEADS = 1_024;
/** The first line, and one for each head. */
export const MANIFEST_TITLE = 'custody/manifest/1\n';
export const MANIFEST_LINE_BYTES = 65;
export const MANIFEST_MAX_BYTES = MANIFEST_TITLE.length + MANIFEST_MAX_HEADS * MANIFEST_LINE_BYTES;
/** What stands around the content of a segment, at most. */
export const AROUND_MAX_BYTES = MANIFEST_HEADER_BYTES + MANIFEST_MAX_BYTES + TRAILER_BYTES;
/** Twice what a segment may decompress to: room for the worst case of zstd's own overhead on tiny blocks. */
export const CONTENT_MAX_BYTES = 2 * SEGMENT_MAX_BYTES;
export const SEGMENT_FILE_MAX_BYTES = CONTENT_MAX_BYTES + AROUND_MAX_BYTES;
export const SKIPPABLE_MAGIC = 0x184d2a50;
export const MANIFEST_MAGIC = 0x184d2a51;

/** Whose bytes a frame holds. The numbers are on disk. */
export const Stream = { client: 0, target: 1, gateway: 2, note: 3 } as const;
export type StreamName = keyof typeof Stream;
export type StreamNumber = (typeof Stream)[StreamName];

/** Frame flag: secret bytes stand as zeros of the same number. */
export const FLAG_WITHHELD = 1;

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const sessionId = z.uuidv7().lowercase();
const count = z.int().min(0);
const time = z.iso.datetime({ precision: 3 });

/** How much may be lost when the gateway's machine vanishes (FORMAT.md, "Statements"). */
export const durabilityModes = ['windowed', 'write-ahead'] as const;
export type DurabilityMode = (typeof durabilityModes)[number];

/** S3 Object Lock's modes. */
const lockModes = ['governance', 'compliance'] as const;

export const openStatementSchema = z.object({
  type: z.literal('custody/open/1'),
  session: sessionId,
  startedAt: time,
  principal: z.object({
    issuer: z.string(),
    issuerName: z.string().optional(),
    subject: z.string(),
    email: z.string().optional(),
    actors: z
      .array(z.object({ issuer: z.string(), subject: z.string() }))
      .min(1)
      .optional(),
    claims: z.record(z.string(), z.union([z.string(), z.array(z.string())])).optional(),
    claimsOmitted: count.optional(),
    leeway: count.optional(),
    groups: z.array(z.string()),
    groupsOmitted: count,
  }),
  target: z.object({
    name: z.string(),
    protocol: z.string(),
    address: z.string(),
    login: z.string().optional(),
    sandbox: z.object({ id: sessionId, from: z.string(), at: time }).optional(),
  }),
  device: z
    .object({
      key: z.string(),
      proof: z.string(),
      name: z.string().optional(),
      attested: z.boolean().optional(),
      user: z.object({ present: z.boolean(), verified: z.boolean() }).optional(),
    })
    .optional(),
  certificate: z.object({ serial: z.string() }).optional(),
  client: z.object({
    address: z.string(),
    application: z.string().optional(),
    user: z.string().optional(),
  }),
  grant: z.object({
    rule: z.string(),
    request: z.uuidv7().lowercase().optional(),
    digest: sha256.optional(),
    until: time.optional(),
  }),
  policy: sha256,
  task: z
    .object({
      run: z.uuidv7().lowercase(),
      workflow: z.string(),
      digest: sha256,
      name: z.string(),
    })
    .optional(),
  trace: z.string().optional(),
  files: z.literal('digest').optional(),
  responses: z.array(z.string()).min(1).optional(),
  withhold: z.array(z.string()).min(1).optional(),
  gateway: z.object({ version: z.string(), task: z.string() }),
  durability: z.object({ mode: z.enum(durabilityModes), windowMs: count }),
  blindMs: count.optional(),
  retention: z.object({ lock: z.enum(lockModes), until: time, hold: z.literal(true).optional() }).optional(),
  recorder: z.base64(),
  journal: z.base64().optional(),
  signer: sha256,
});
export type OpenStatement = z.infer<typeof openStatementSchema>;

export const closeReasons = [
  'client-closed',
  'client-lost',
  'target-closed',
  'target-lost',
  'target-refused',
  'target-unreachable',
  'terminated',
  'expired',
  'revoked',
  'not-approved',
  'deviated',
  'unwatched',
  'drained',
  'recording-failed',
  'protocol-violation',
  'gateway-failed',
  'recovered',
] as const;
export type CloseReason = (typeof closeReasons)[number];

export const closeStatementSchema = z.object({
  type: z.literal('custody/close/1'),
  session: sessionId,
  endedAt: time,
  reason: z.enum(closeReasons),
  recovered: z.boolean(),
  recordedUntil: count,
  segments: count,
  frames: count,
  bytes: count,
  open: sha256,
  last: sha256,
  signer: sha256,
  detail: z.string().optional(),
});
export type CloseStatement = z.infer<typeof closeStatementSchema>;

export const headSchema = z.object({
  type: z.literal('custody/head/1'),
  session: sessionId,
  segment: count,
  frames: count,
  bytes: count,
  content: count,
  sha256,
  previous: sha256,
  until: count,
});
export type Head = z.infer<typeof headSchema>;
