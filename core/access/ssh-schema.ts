/** What custody.yaml says of SSH as a whole, beside its targets and rules. */
import { z } from 'zod';
import { duration } from './schema-parts.ts';

const DAY_MS = 86_400_000;

const certificatesSchema = z.strictObject({
  maxDuration: duration(60_000, 30 * DAY_MS, 'expected a time from 1m to 30d, such as 8h')
    .prefault('8h')
    .describe('the longest that a certificate of the gateway’s CA is good for'),
  devices: z
    .literal('registered')
    .optional()
    .describe("only for keys that are registered as the person's devices; for any key when absent"),
});

export const sshSchema = z.strictObject({
  certificates: certificatesSchema
    .prefault({})
    .describe('OpenSSH certificates that people get after they have logged in at their issuer'),
});
