/** What the API of SSH certificates takes and answers. */
import { z } from 'zod';
import { PAGE_MAX, targetName, time } from '../shapes.ts';

const LINE_MAX = 24 << 10;
const LIST_MAX = 1024;
const COMMAND_MAX = 1024;
const MONTH_S = 30 * 86_400;

/** What is no number is not looked at further: BigInt throws. */
export const serial = z
  .string()
  .regex(/^(?:0|[1-9]\d{0,19})$/, {
    error: 'expected the decimal digits of a number of 64 bits',
    abort: true,
  })
  .refine((digits) => BigInt(digits) < 1n << 64n, 'expected a number of 64 bits')
  .meta({ example: '12297829382473034410' });

const fingerprint = z
  .string()
  .regex(/^SHA256:[A-Za-z0-9+/]{43}$/, 'expected a fingerprint as ssh-keygen -l prints it: SHA256:…')
  .meta({ example: 'SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU' });

export const certificateBody = z.strictObject({
  publicKey: z
    .string()
    .max(LINE_MAX)
    .meta({ description: 'one line, as in id_ed25519.pub', example: 'ssh-ed25519 AAAA… dana@laptop' }),
  validSeconds: z
    .int()
    .min(1)
    .max(MONTH_S)
    .optional()
    .meta({ description: 'the longest that the configuration gives when absent, and never longer' }),
  target: targetName.optional().meta({ description: 'the one target that it is good for; all when absent' }),
  sourceAddress: z.string().max(LIST_MAX).optional().meta({
    description: 'where it is good from: addresses and networks, commas between',
    example: '10.0.0.0/8',
  }),
  forceCommand: z
    .string()
    .min(1)
    .max(COMMAND_MAX)
    .refine((text) => !text.includes('\0') && text.isWellFormed(), 'expected text without NUL')
    .optional()
    .meta({ description: 'the one command that it runs, whatever a client asks for' }),
});

const certificatePart = {
  serial,
  key: fingerprint,
  keyId: z.string().meta({ description: 'what the certificate calls its holder, for people' }),
  issuedAt: time,
  expiresAt: time,
  target: targetName.optional(),
  sourceAddress: z.string().optional(),
  forceCommand: z.string().optional(),
};

export const certificateShape = z
  .object({
    certificate: z.string().meta({ description: 'one line, for id_ed25519-cert.pub' }),
    ...certificatePart,
  })
  .meta({ id: 'SshCertificate' });

const CURSOR = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\/\d{1,20}$/;
const cursor = z.string().regex(CURSOR, 'expected the `next` of the page before');

export const certificatesQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(PAGE_MAX).default(50),
  cursor: cursor.optional().meta({ description: 'the `next` of the page before' }),
});

export const certificatePageShape = z
  .object({
    certificates: z
      .array(z.object({ ...certificatePart, revokedAt: time.optional() }))
      .readonly()
      .meta({ description: 'newest first' }),
    next: cursor.optional(),
  })
  .meta({ id: 'SshCertificatePage' });

export const revocationBody = z.union(
  [
    z.strictObject({ key: fingerprint }),
    z.strictObject({ person: z.strictObject({ issuer: z.string().min(1), subject: z.string().min(1) }) }),
  ],
  'expected a key, or a person (issuer and subject)',
);

export const revocationShape = z
  .object({ revokedAt: time, serial: serial.optional() })
  .meta({ id: 'SshRevocation', description: 'its sessions end within 5 seconds' });

const keyLine = z.string().meta({ example: 'ecdsa-sha2-nistp256 AAAA…' });

export const sshShape = z
  .object({
    host: z.string().meta({ description: "the gateway's" }),
    port: z.int().min(1).max(65_535),
    hostKeys: z
      .array(keyLine)
      .readonly()
      .meta({ description: 'by which the gateway proves itself; for known_hosts' }),
    userCa: z.array(keyLine).readonly().meta({ description: 'who signs certificates for people' }),
    targetCa: z.array(keyLine).readonly().meta({
      description: 'who signs those with which the gateway logs in at targets: for TrustedUserCAKeys',
    }),
  })
  .meta({ id: 'Ssh' });
