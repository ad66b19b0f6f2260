/** What custody.yaml says of an issuer's directory (SCIM 2.0, RFC 7643 and RFC 7644). */
import { z } from 'zod';
import { oneOf, text } from './schema-parts.ts';

export const scimSchema = z
  .strictObject({
    tokenFile: text
      .optional()
      .describe('the bearer secret that the directory shows, in a file beside this one'),
    secret: text.optional().describe('in AWS, in its place: a secret of Secrets Manager, by name or ARN'),
    userClaim: text
      .max(128)
      .default('sub')
      .describe("the claim of a token that is the directory's externalId of a person (Entra: oid)"),
    groups: z
      .enum(['deactivate-only', 'also-as-groups'])
      .default('deactivate-only')
      .describe(
        "also-as-groups: the directory's groups count beside those of tokens, from the next login on",
      ),
    unknown: z
      .enum(['allow', 'deny'])
      .default('allow')
      .describe('what people may do of whom the directory has never told'),
  })
  .refine(({ tokenFile, secret }) => oneOf(tokenFile, secret), {
    path: ['tokenFile'],
    message: 'expected one of tokenFile, secret',
  })
  .readonly();

export type ScimConfig = z.output<typeof scimSchema>;
