/** What custody.yaml says of people's devices: keys that they register. */
import { X509Certificate } from 'node:crypto';
import { z } from 'zod';
import { reviewersSchema } from './schema-parts.ts';

const ROOT_MAX = 16_384;

export const devicesSchema = z
  .strictObject({
    approval: z
      .strictObject({ reviewers: reviewersSchema, approvals: z.int().min(1).max(20).default(1) })
      .optional()
      .describe(
        'a device that is registered from now on counts once reviewers approved it; nobody approves their own',
      ),
    mfa: z
      .literal('required')
      .optional()
      .describe('who registers a device has logged in with more than one factor (RFC 8176: amr has mfa)'),
    attestation: z
      .strictObject({
        roots: z
          .array(z.string().max(ROOT_MAX).refine(isRoot, 'expected one certificate of a CA in PEM'))
          .min(1)
          .max(50)
          .describe('certificates, in PEM, that FIDO authenticators are vouched for by'),
        required: z.boolean().default(false).describe('no other key is registered'),
      })
      .optional()
      .describe('whom to believe about FIDO authenticators'),
  })
  .readonly();

export type DevicesConfig = z.output<typeof devicesSchema>;

function isRoot(pem: string): boolean {
  if (pem.match(/-----BEGIN /g)?.length !== 1) return false;
  try {
    return new X509Certificate(pem).ca;
  } catch {
    return false;
  }
}
