/** What the API of devices takes and answers. */
import { z } from 'zod';
import { words } from '#core/access/words.ts';
import { deviceStates } from '#core/identity/devices/device.ts';
import { count, PAGE_MAX, person, time } from '../shapes.ts';

const NAME_MAX = 64;
const TEXT_MAX = 32 << 10;

/** The hash in a key's fingerprint: 64 hexadecimal digits, since a fingerprint may have slashes. */
export const deviceId = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .meta({ description: 'the SHA-256 that the fingerprint has in base64, in hexadecimal' });

export const fingerprint = z
  .string()
  .regex(/^SHA256:[A-Za-z0-9+/]{43}$/)
  .meta({
    description: 'as ssh-keygen -l prints it',
    example: 'SHA256:MaCgaGXudQy0qcpKfZZIHLFYsL0VIyTqmL58k8bv3gU',
  });

export const nothingBody = z.strictObject({});

export const registrationBody = z.strictObject({
  name: words.pipe(z.string().max(NAME_MAX)).meta({ example: "Dana's notebook" }),
  publicKey: z
    .string()
    .max(TEXT_MAX)
    .meta({ description: 'a line as in id_ed25519.pub', example: 'ssh-ed25519 AAAA…' }),
  challenge: z.string().max(256).meta({ description: 'as it was given' }),
  signature: z.string().max(TEXT_MAX).meta({
    description: 'over the bytes of the challenge and nothing else: ssh-keygen -Y sign -n custody-device',
  }),
  attestation: z.base64().max(TEXT_MAX).optional().meta({
    description:
      'of a FIDO key that was made with -O challenge=FILE: what -O write-attestation=FILE wrote, in base64',
  }),
});

export const revocationBody = z.strictObject({ reason: words.optional() });

export const devicesQuery = z.strictObject({
  person: z
    .string()
    .min(1)
    .max(320)
    .optional()
    .meta({ description: 'whose, for those who administer: a subject or an e-mail address' }),
  state: z.enum(deviceStates).optional().meta({
    description: 'pending, without person: also those that the caller may approve',
  }),
  limit: z.coerce.number().int().min(1).max(PAGE_MAX).default(50),
  cursor: fingerprint.optional().meta({ description: 'the `next` of the page before' }),
});

export const challengeShape = z
  .object({ challenge: z.string().meta({ description: 'to be signed; good once' }), expiresAt: time })
  .meta({ id: 'DeviceChallenge' });

export const deviceShape = z
  .object({
    id: fingerprint,
    name: z.string(),
    publicKey: z.string(),
    type: z.string().meta({ example: 'ssh-ed25519' }),
    owner: person,
    state: z
      .enum(deviceStates)
      .meta({ description: 'pending: it waits for reviewers, and counts for nothing' }),
    registeredAt: time,
    fido: z.boolean().meta({ description: 'a key of a FIDO authenticator, by its type' }),
    userVerified: z
      .boolean()
      .meta({ description: 'the authenticator verified its user at the registration' }),
    attested: z.boolean().meta({
      description:
        'a root of the configuration vouches for the authenticator: it holds the key, and no software does',
    }),
    model: z.string().optional().meta({ description: "the authenticator's AAGUID" }),
    approvals: z.array(z.object({ by: person, at: time, groups: z.array(z.string()).readonly() })).readonly(),
    needs: z
      .object({ approvals: count, any: z.array(z.string()).optional(), all: z.array(z.string()).optional() })
      .optional()
      .meta({ description: 'of one that waits: what the configuration asks for now' }),
    revoked: z.object({ by: person, at: time, reason: z.string().optional() }).optional(),
    mayApprove: z.boolean().meta({ description: 'true where the caller is a reviewer of it' }),
  })
  .meta({ id: 'Device' });

export const devicePageShape = z
  .object({ devices: z.array(deviceShape).readonly(), next: fingerprint.optional() })
  .meta({ id: 'DevicePage' });
