/** What each protocol may say in custody.yaml. The other lists of protocols: `protocols.ts` here, and the ones it names. */
import { z } from 'zod';
import { postgresTargetSchema } from './postgres/schema.ts';
import { sshRuleSchema, sshTargetSchema } from './ssh/schema.ts';

/** A target, told apart by its `protocol`. */
export const targetSchema = z.discriminatedUnion('protocol', [postgresTargetSchema, sshTargetSchema], {
  error: ({ code }) => (code === 'invalid_union' ? 'expected postgres or ssh' : undefined),
});

/** What a rule that allows `connect` may say of one protocol's sessions, by the protocol's name. */
export const ruleParts = {
  ssh: sshRuleSchema.optional().describe('what of SSH it allows; for a rule that allows connect'),
};
