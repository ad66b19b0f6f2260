import { z } from 'zod';
import { actions } from '#core/access/schema.ts';
import { targetName } from '../shapes.ts';

const NAMES_MAX_CHARACTERS = 4_096;
const name = z.string().min(1).max(320);

/** What may be said of somebody else, for who administers. */
export const somebodyElse = {
  as: name.meta({
    description: 'who administers: about this person, by the e-mail address or the subject',
    example: 'dana@example.com',
  }),
  groups: z
    .string()
    .max(NAMES_MAX_CHARACTERS)
    .transform((text) => text.split(',').flatMap((group) => group.trim() || []))
    .meta({
      description:
        'who is in these groups, as rules name them, with commas between; those that custody.yaml and the directory say when absent',
      example: 'developers,oncall',
    }),
  issuer: targetName.meta({ description: 'whose token is of this issuer, by its name', example: 'people' }),
  network: z.union([z.ipv4(), z.ipv6()]).meta({ description: 'who connects from this address' }),
  at: z.iso.datetime({ offset: true }).meta({ description: 'at that time' }),
  mfa: z.enum(['true', 'false']).meta({ description: 'whether a second factor was checked' }),
  device: z.enum(['bound', 'registered', 'verified']).meta({
    description: 'a device is proved: by the token, by its key, by a FIDO key that verified its user',
  }),
  task: z
    .string()
    .regex(/^[a-z0-9-]{1,63}\/[a-z0-9-]{1,63}$/, 'expected workflow/task')
    .meta({ description: 'as this task of a run', example: 'refunds/find' }),
  actor: name.meta({ description: 'through this one, who acts for them: a subject' }),
  session: name.meta({ description: "about a session of this person's; their own when absent" }),
} as const;

export const explanationQuery = z.strictObject({
  action: z.enum(actions),
  target: targetName.optional(),
  login: z
    .string()
    .min(1)
    .max(64)
    .optional()
    .meta({ description: "of the target's logins, the one that is meant" }),
  ...z.object(somebodyElse).partial().shape,
});

const rule = z.object({
  rule: z.string(),
  effect: z.enum(['allow', 'deny']),
  applies: z.boolean().meta({ description: 'it has its effect here' }),
  because: z.array(z.string()).readonly().meta({ description: 'why not' }),
});

const who = z.object({
  issuer: z.string().meta({ description: 'its name in the configuration' }),
  subject: z.string(),
  email: z.string().optional(),
  groups: z.array(z.string()).readonly(),
});

export const explanationShape = z
  .object({
    verdict: z.enum(['allowed', 'requestable', 'denied']),
    action: z.enum(actions),
    target: z.string(),
    policy: z.string(),
    because: z.string(),
    hint: z.string().optional(),
    passes: z.array(z.string()).readonly().optional(),
    who: who.optional().meta({ description: 'for who administers: about whom it is' }),
    rules: z.array(rule).readonly().optional().meta({ description: 'for who administers: rule by rule' }),
  })
  .meta({ id: 'Explanation' });

export type ExplanationQuery = z.output<typeof explanationQuery>;
