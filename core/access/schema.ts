/** What custody.yaml may say. The descriptions go into the JSON Schema that editors use. */
import { z } from 'zod';
import { partMistakes, ruleParts, targetSchema } from '../protocols/schemas.ts';
import { redactMistakes } from '../replay/redact/mistakes.ts';
import { workflowMistakes } from '../tasks/mistakes.ts';
import { workflowSchema } from '../tasks/schema.ts';
import { devicesSchema } from './devices-schema.ts';
import { directorySpelling } from './directory-schema.ts';
import { days, isNetwork, isZone } from './formats.ts';
import { actorSchema, claimPatterns, identitySchema, issuerUrl, oneOrMore } from './identity-schema.ts';
import { NAME, NAME_RULE } from './names.ts';
import { newsKinds } from './news.ts';
import { sandboxMistakes } from './sandbox-mistakes.ts';
import {
  acrossSound,
  baseUrl,
  duration,
  groups,
  isSafeUrl,
  oneOf,
  reviewersSchema,
  text,
} from './schema-parts.ts';
import { sshSchema } from './ssh-schema.ts';

const name = z.string().regex(new RegExp(`^${NAME}$`), NAME_RULE);
const DAY_MS = 86_400_000;

const CLOCK = /^(?:[01]\d|2[0-3]):[0-5]\d$|^24:00$/;
const clock = z.string().regex(CLOCK, 'expected a time of day from "00:00" to "24:00", in quotes');

const hoursSchema = z
  .strictObject({
    days: z
      .array(z.enum(days))
      .min(1)
      .default([...days]),
    from: clock,
    to: clock.describe('before `from`: over midnight'),
    zone: z.string().refine(isZone, 'expected a time zone such as Europe/Zurich or UTC'),
  })
  .refine(({ from, to }) => from !== to && !(from === '24:00' && to === '00:00'), {
    path: ['to'],
    message: 'is the same time as `from`: the window is empty; leave `hours` out for the whole day',
  });

const taskName = z
  .string()
  .regex(
    new RegExp(`^${NAME}/(?:\\*|${NAME})$`),
    'expected workflow/task, or workflow/* for any of its tasks',
  );
const taskNames = oneOrMore(taskName);

const whenSchema = z.strictObject({
  networks: z
    .array(z.string().refine(isNetwork, 'expected a network such as 10.0.0.0/8 or 2001:db8::/32'))
    .min(1)
    .optional()
    .describe('where the client connects from'),
  hours: hoursSchema.optional(),
  device: z
    .enum(['bound', 'unbound', 'registered', 'verified'])
    .optional()
    .describe(
      "registered: the connection proved to hold the key of a device that the person has registered; verified: the same, of a FIDO key that verified its user for this session; bound: the token is bound to a device's key (RFC 8705), which the connection proved to hold",
    ),
  tasks: z.array(text).min(1).optional().describe('the task that the token was issued for; see taskClaim'),
  task: taskNames
    .optional()
    .describe(
      'the session is a task of a workflow: workflow/task, or workflow/* for any of its tasks; several in a list',
    ),
  mfa: z
    .literal('required')
    .optional()
    .describe('the token says that more than one factor was checked (RFC 8176: amr has mfa)'),
});

const LONGEST = duration(1_000, 30 * DAY_MS, 'expected a time from 1s to 30d, such as 4h');

const besideExact = ['transactions', 'settings'] as const;

const approvalSchema = z.strictObject({
  reviewers: reviewersSchema,
  approvals: z.int().min(1).max(20).default(1),
  maxDuration: LONGEST.describe('the longest a grant may last, from its approval'),
  pendingFor: LONGEST.prefault('1d').describe('a request that is not decided by then has expired'),
  reason: z.enum(['required', 'optional']).default('required'),
  ticket: z.enum(['required', 'optional']).default('optional'),
  wait: duration(1_000, 3_600_000, 'expected a time from 1s to 1h, such as 2m')
    .optional()
    .describe('how long a client that connects waits for an approval before it is refused; off when absent'),
  coversActors: z
    .boolean()
    .default(false)
    .describe(
      'a grant that a person asked for is also for whoever acts for them (see actor): the rule is then for both',
    ),
  statements: z
    .enum(['any', 'exact'])
    .default('any')
    .describe(
      'exact: the approval names the commands, and the grant is for one session that runs only those',
    ),
  for: z
    .enum(['any', 'run'])
    .default('any')
    .describe('run: the approval names a run of a workflow, and the grant is for sessions of that run alone'),
  allow: z
    .array(z.enum(besideExact))
    .default([])
    .describe(
      'what else passes in a session for exact commands: BEGIN, COMMIT, SAVEPOINT and the like; time limits, application_name and SHOW',
    ),
});

const breakGlassSchema = z.strictObject({
  reviewers: z.strictObject({ any: groups }).describe('who looks at it afterwards'),
  maxDuration: LONGEST,
});

export const actions = [
  'connect',
  'request',
  'approve',
  'replay',
  'export',
  'terminate',
  'rerun',
  'administer',
] as const;
/** The others follow from `approval` and `breakGlass`. */
const allowable = ['connect', 'replay', 'export', 'terminate', 'rerun', 'administer'] as const;

const EVERYBODY: readonly string[] = ['*'];

const ruleSchema = z
  .strictObject({
    name,
    groups: groups
      .optional()
      .describe(
        '"*": everybody whom the issuer vouches for; of workloads only where the rule names their issuer, or denies. May be left out where it names one',
      ),
    issuer: name.optional().describe('only for those of this issuer, by its name under identity'),
    claims: claimPatterns.optional().describe('what must be in the token; for one issuer at a time'),
    actor: actorSchema
      .optional()
      .describe(
        'only for whoever acts for somebody (RFC 8693): groups and claims are of whom they act for. Without it a rule lets nobody act for others; one that denies is for all of them',
      ),
    targets: z
      .array(z.string().regex(new RegExp(`^(?:\\*|${NAME})$`), `expected * or a target's name: ${NAME_RULE}`))
      .min(1),
    allow: z.array(z.enum(allowable)).min(1).optional(),
    deny: z.array(z.enum(actions)).min(1).optional().describe('whatever another rule or a grant allows'),
    sessions: z
      .enum(['own', 'approved', 'any'])
      .default('own')
      .describe(
        'whose sessions replay, export, terminate and rerun reach; approved: those whose grant they approved, and their own',
      ),
    unredacted: z
      .literal(true)
      .optional()
      .describe(
        'replay and export show what `redact` of the target leaves out, and give the evidence itself',
      ),
    when: whenSchema.optional().describe('all of these must hold'),
    session: z
      .strictObject({
        maxDuration: LONGEST.optional(),
        endsWithToken: z
          .boolean()
          .default(false)
          .describe('a session ends when the token that opened it expires'),
      })
      .optional(),
    moderated: z
      .strictObject({
        by: z.strictObject({ any: groups }),
        wait: duration(1_000, 3_600_000, 'expected a time from 1s to 1h, such as 10m')
          .prefault('10m')
          .describe('how long a client that connects waits for somebody to watch'),
      })
      .optional()
      .describe('a session starts only while somebody of these groups watches it, and ends when they leave'),
    approval: approvalSchema.optional().describe('connect needs a grant, which reviewers give'),
    breakGlass: breakGlassSchema
      .optional()
      .describe('connect needs a grant, which is given at once, with an alarm'),
    ...ruleParts,
  })
  .superRefine((rule, context) => {
    const mistake = (path: string, message: string): void => {
      context.addIssue({ code: 'custom', path: [path], message });
    };
    if ((rule.allow === undefined) === (rule.deny === undefined)) {
      mistake(rule.deny === undefined ? 'allow' : 'deny', 'a rule has either allow or deny');
    }
    if (rule.groups === undefined && rule.issuer === undefined)
      mistake('groups', 'is missing: only a rule with an issuer may leave it out');
    if (rule.claims !== undefined && rule.issuer === undefined)
      mistake('issuer', 'is missing: claims are of one issuer');
    if (rule.approval?.coversActors === true && rule.actor === undefined)
      mistake('approval', 'coversActors is for a rule with actor');
    if (rule.breakGlass !== undefined && rule.actor !== undefined)
      mistake('actor', 'is for no rule with breakGlass: nobody breaks a glass for somebody else');
    if (rule.approval !== undefined && rule.breakGlass !== undefined) {
      mistake('breakGlass', 'a rule has either approval or breakGlass: write a rule of its own');
    }
    for (const key of ['approval', 'breakGlass'] as const) {
      if (rule[key] !== undefined && rule.allow?.join() !== 'connect')
        mistake(key, 'is for a rule with allow: [connect]');
    }
    if (rule.session !== undefined && !rule.allow?.includes('connect')) {
      mistake('session', 'is for a rule that allows connect');
    }
    if (rule.moderated !== undefined && !rule.allow?.includes('connect'))
      mistake('moderated', 'is for a rule that allows connect');
    for (const key of ['allow', 'deny'] as const) {
      // A rule that denies it for some targets would deny nothing.
      if (rule[key]?.some((action) => action === 'administer') && !rule.targets.includes('*'))
        mistake(key, "administer is for no target by itself: use targets: ['*']");
    }
  })
  .transform(({ groups = EVERYBODY, ...rule }) => ({ ...rule, groups }));

/** All groups that a rule names, and under which key. */
function groupsIn(rule: z.output<typeof ruleSchema>): [key: string, group: string][] {
  const named = {
    groups: [rule.groups],
    approval: Object.values(rule.approval?.reviewers ?? {}),
    breakGlass: Object.values(rule.breakGlass?.reviewers ?? {}),
    moderated: [rule.moderated?.by.any ?? []],
  };
  return Object.entries(named).flatMap(([key, lists]) =>
    lists.flat().map((group): [string, string] => [key, group]),
  );
}

const webhookSchema = z.strictObject({
  name,
  url: z.string().max(2048).refine(isSafeUrl, 'expected an https URL (http only on this machine)'),
  format: z.enum(['json', 'slack']).default('json'),
  events: z.array(z.enum(newsKinds)).min(1).optional().describe('all when absent'),
  secretFile: text.optional().describe('what requests are signed with (Standard Webhooks); json needs it'),
  secret: text.optional().describe('in AWS, in its place: a secret of Secrets Manager, by name or ARN'),
});

const disabledSchema = z.union(
  [
    z.strictObject({ email: text, issuer: issuerUrl.optional() }),
    z.strictObject({ subject: text, issuer: issuerUrl.optional() }),
  ],
  'expected an email, or a subject (and its issuer)',
);

export const fileSchema = z
  .strictObject({
    version: z.literal(1),
    identity: identitySchema,
    targets: z.record(name, targetSchema),
    rules: z.array(ruleSchema).default([]),
    disabled: z
      .array(disabledSchema)
      .default([])
      .describe('people who may do nothing any more; their sessions end'),
    webhooks: z.array(webhookSchema).default([]),
    console: baseUrl
      .optional()
      .describe(
        'where people open the console: links in messages lead there, such as https://custody.example.com',
      ),
    workflows: z
      .record(name, workflowSchema)
      .default({})
      .describe('jobs cut into tasks, and what each task may do'),
    devices: devicesSchema.prefault({}).describe("people's devices: keys that they register"),
    ssh: sshSchema.prefault({}),
  })
  .superRefine(
    acrossSound((file, context) => {
      const { identity, targets, rules, disabled, webhooks, devices } = file;
      const mistake = (path: (string | number)[], message: string): void => {
        context.addIssue({ code: 'custom', path, message });
      };
      for (const { path, message } of [...workflowMistakes(file), ...redactMistakes(targets)])
        mistake([...path], message);
      for (const { path, message } of sandboxMistakes(targets)) mistake(['targets', ...path], message);
      for (const [i, rule] of rules.entries()) {
        const first = rules.findIndex((other) => other.name === rule.name);
        if (first < i)
          mistake(
            ['rules', i, 'name'],
            `rule ${first} has the name "${rule.name}" already: evidence tells rules apart by name`,
          );
        if (rule.issuer !== undefined && !identity.some(({ name: known }) => known === rule.issuer))
          mistake(['rules', i, 'issuer'], `no issuer is named "${rule.issuer}"`);
        for (const [key, group] of groupsIn(rule)) {
          const spelling = directorySpelling(group, identity);
          if (spelling !== undefined)
            mistake(['rules', i, key], `nobody is in "${group}": the directory writes it "${spelling}"`);
        }
        for (const { path, message } of partMistakes(rule, targets)) mistake(['rules', i, ...path], message);
        const unknown = rule.targets.findIndex((target) => target !== '*' && !Object.hasOwn(targets, target));
        if (unknown >= 0)
          mistake(['rules', i, 'targets', unknown], `no target is named "${rule.targets[unknown]}"`);
      }
      for (const group of Object.values(devices.approval?.reviewers ?? {}).flat()) {
        const spelling = directorySpelling(group, identity);
        if (spelling !== undefined)
          mistake(
            ['devices', 'approval', 'reviewers'],
            `nobody is in "${group}": the directory writes it "${spelling}"`,
          );
      }
      for (const [i, person] of disabled.entries())
        if ('subject' in person && person.issuer === undefined && identity.length > 1)
          mistake(['disabled', i, 'subject'], 'is of which issuer? there are several: add issuer');
      for (const [i, webhook] of webhooks.entries()) {
        const first = webhooks.findIndex((other) => other.name === webhook.name);
        if (first < i)
          mistake(['webhooks', i, 'name'], `webhook ${first} has the name "${webhook.name}" already`);
        if (webhook.format === 'json' && !oneOf(webhook.secretFile, webhook.secret))
          mistake(
            ['webhooks', i, 'secretFile'],
            'is missing: whoever receives it could not tell who sent it',
          );
      }
    }),
  );
