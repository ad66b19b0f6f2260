/** What GET /v1/config says: which configuration is in force, and what is in it, without credentials and where they are. */
import { z } from 'zod';
import { actions } from '#core/access/schema.ts';
import { durabilityModes } from '#core/recording/format.ts';
import { count, time } from '../shapes.ts';

const names = z.array(z.string()).readonly();

export const configStateShape = z.object({
  version: z.string().meta({ description: 'SHA-256 of the configuration in force' }),
  since: time.optional().meta({ description: 'when its file was written' }),
  refused: z
    .object({ since: time, problem: z.string() })
    .optional()
    .meta({ description: 'a newer file that is not taken, and why' }),
  warnings: names.meta({ description: 'what it is taken with, and may not mean' }),
});

const issuer = z.object({
  name: z.string(),
  issuer: z.string(),
  kind: z.enum(['person', 'workload']),
  audience: names,
  groupsPrefix: z.string(),
});

const target = z.object({
  name: z.string(),
  protocol: z.string(),
  address: z.string().optional().meta({ description: "the target's own; of one that is made there is none" }),
  logins: names.optional(),
  sandboxOf: z.string().optional().meta({ description: 'the target that it is made of' }),
  durability: z.enum(durabilityModes),
  windowMs: count.optional().meta({ description: 'where it is windowed: at most so much may be lost' }),
  keepDays: z.number().min(0),
});

const rule = z.object({
  name: z.string(),
  effect: z.enum(['allow', 'deny']),
  actions: z.array(z.enum(actions)).readonly(),
  targets: names,
  groups: names,
  issuer: z.string().optional(),
  sessions: z.enum(['own', 'approved', 'any']),
  needs: z
    .object({ kind: z.enum(['approval', 'break-glass']), approvals: count, reviewers: names })
    .optional()
    .meta({ description: 'what connecting takes beside the rule' }),
  when: names.meta({ description: 'the names of its conditions' }),
  forActors: z.boolean().meta({ description: 'it is for those who act for somebody' }),
});

export const configShape = z
  .object({
    ...configStateShape.shape,
    issuers: z.array(issuer).readonly(),
    targets: z.array(target).readonly(),
    rules: z.array(rule).readonly(),
  })
  .meta({ id: 'ConfigState' });

export type ConfigState = z.input<typeof configStateShape>;
export type ConfigOverview = z.input<typeof configShape>;
