/** What custody.yaml says of workflows. What a command is, each protocol says itself (`commandParts`). */
import { z } from 'zod';
import { actorSchema, claimPatterns, oneOrMore } from '../access/identity-schema.ts';
import { NAME, NAME_RULE } from '../access/names.ts';
import { duration, groups, reviewersSchema, text } from '../access/schema-parts.ts';
import { commandParts } from '../protocols/command-parts.ts';

const DAY_MS = 86_400_000;
const LONGEST = duration(1_000, 30 * DAY_MS, 'expected a time from 1s to 30d, such as 15m');
const name = z.string().regex(new RegExp(`^${NAME}$`), NAME_RULE);
const count = z.int().min(0).max(1_000_000_000);

/** A place in a command that is open: $1, $2 and so on, as its text has them. */
const hole = z.string().regex(/^\$[1-9]\d?$/, 'expected a place of the command, such as $1');

export const valueTypes = ['integer', 'number', 'text', 'boolean', 'uuid', 'date', 'timestamp'] as const;

/** A part of an output of a task before it. */
const origin = z
  .string()
  .regex(
    new RegExp(`^${NAME}\\.${NAME}(?:\\.[^.]{1,63})?$`),
    'expected task.output.column, such as find.returned.id',
  );

const bound = z
  .union([z.number(), text])
  .describe('numbers and integers as numbers; dates and times as texts');

/** What a value may be. All that is said must hold. */
export const valueSchema = z.strictObject({
  type: z.enum(valueTypes),
  min: bound.optional(),
  max: bound.optional(),
  oneOf: z
    .array(z.union([z.number(), z.boolean(), z.string()]))
    .min(1)
    .max(1000)
    .optional(),
  pattern: text
    .max(512)
    .optional()
    .describe(
      'a regular expression for the whole text, without backreferences and look-around: it is matched in linear time',
    ),
  maxLength: z.int().min(0).max(65_536).optional().describe('characters'),
  from: origin.optional().describe('only what an output of an earlier task of this run has in that column'),
  input: name.optional().describe('only the value of that input of the run'),
  nullable: z.boolean().default(false).describe('it may also be NULL'),
  many: z
    .int()
    .min(1)
    .max(10_000)
    .optional()
    .describe(
      'it stands for a list of at most so many, in IN ($1) or = ANY ($1); what is said holds for each',
    ),
});

const timesSchema = z.union(
  [
    count.min(1).transform((times) => ({ min: times, max: times })),
    z
      .strictObject({ min: count.default(0), max: count.min(1).describe('at most') })
      .refine(({ min, max }) => min <= max, { path: ['max'], message: 'is less than min' }),
  ],
  'expected how often, or min and max',
);

const betweenSchema = z.union(
  [
    count.transform((exactly) => ({ min: exactly, max: exactly })),
    z
      .strictObject({ min: count.default(0), max: count.optional() })
      .refine(({ min, max }) => max === undefined || min <= max, {
        path: ['max'],
        message: 'is less than min',
      }),
  ],
  'expected a number, or min and max',
);

/** What is expected back of each time that a command runs. */
const answersSchema = z.strictObject({
  rows: betweenSchema.optional().describe('rows that come back'),
  affected: betweenSchema.optional().describe('rows that it changes, as its answer says'),
  columns: z.array(text).min(1).optional().describe('their names, in order'),
  error: z.enum(['none', 'any']).default('none').describe('any: it may fail'),
  within: duration(1, DAY_MS, 'expected a time from 1s to 1d, such as 5s')
    .optional()
    .describe('it is answered by then'),
});

const commandSchema = z.strictObject({
  name: name.describe('how deviations, results and outputs call it'),
  ...commandParts,
  values: z.record(hole, valueSchema).default({}).describe('what each open place may be; each has an entry'),
  times: timesSchema.prefault(1).describe('how often it runs in the task'),
  answers: answersSchema.prefault({}),
});

/** What of a command's answer, or of what it is given, is named. */
const partSchema = {
  of: name.describe('the command'),
  columns: z.array(text).min(1).max(100).optional().describe('these columns of all its rows'),
  stream: z
    .enum(['copy', 'stdin', 'stdout', 'stderr'])
    .optional()
    .describe('its bytes: of COPY, or of what a program reads and writes'),
};
const oneKind = {
  message: 'expected either columns or stream',
  path: ['of'],
};

const outputSchema = z
  .strictObject({
    ...partSchema,
    keep: z
      .boolean()
      .default(false)
      .describe('the result has its values, and not digests alone; for little that is no secret'),
  })
  .refine(({ columns, stream }) => (columns === undefined) !== (stream === undefined), oneKind)
  .refine(({ stream }) => stream !== 'stdin', { path: ['stream'], message: 'stdin goes in: it is an input' });

const inputSchema = z.strictObject({
  of: partSchema.of,
  stream: z.enum(['copy', 'stdin']).describe('what the command is given'),
  from: z
    .string()
    .regex(new RegExp(`^${NAME}\\.${NAME}$`), 'expected task.output, such as find.dump')
    .optional()
    .describe('its bytes are exactly those of that output of an earlier task'),
  input: name.optional().describe('its bytes are exactly those of that input of the run'),
});

const deviationSchema = z.union(
  [
    z.enum(['record', 'stop']),
    z.strictObject({
      ask: z.strictObject({
        reviewers: reviewersSchema,
        approvals: z.int().min(1).max(20).default(1),
        wait: duration(1_000, 3_600_000, 'expected a time from 1s to 1h, such as 2m').prefault('5m'),
      }),
    }),
  ],
  'expected record, stop, or ask: with reviewers',
);

const contractSchema = z.strictObject({
  does: z.array(commandSchema).min(1).max(200),
  order: z.enum(['any', 'strict']).default('any').describe('strict: in the order in which they stand here'),
  allow: z
    .array(z.enum(['transactions', 'settings']))
    .default(['transactions', 'settings'])
    .describe(
      'what passes beside them: BEGIN, COMMIT, SAVEPOINT and the like; time limits, application_name and SHOW',
    ),
  sets: z
    .record(text.max(63), valueSchema)
    .default({})
    .describe('settings that may be SET, and to what; never one by which commands mean something else'),
  inputs: z.record(name, inputSchema).default({}),
  outputs: z.record(name, outputSchema).default({}),
  onDeviation: deviationSchema
    .default('stop')
    .describe(
      'record: it goes on, marked. ask: it waits for reviewers. stop: it is refused, and the session ends',
    ),
});

/** Some people or machines, in the words of a rule: all that is said must fit. */
const selectorSchema = z
  .strictObject({
    groups: groups.optional(),
    people: z
      .array(text)
      .min(1)
      .max(100)
      .optional()
      .describe('by e-mail addresses that their issuer vouches for'),
    issuer: name.optional().describe('only those of this issuer, by its name under identity'),
    claims: claimPatterns.optional().describe('what must be in the token; for one issuer at a time'),
    actor: actorSchema
      .optional()
      .describe('only for whoever acts for such a one; nobody may act for others without it'),
  })
  .refine(({ groups: some, people, issuer }) => (some ?? people ?? issuer) !== undefined, {
    path: ['groups'],
    message: 'expected groups, people or an issuer',
  })
  .refine(({ claims, issuer }) => claims === undefined || issuer !== undefined, {
    path: ['issuer'],
    message: 'is missing: claims are of one issuer',
  });

/** Whoever fits any of them. */
const bySchema = oneOrMore(selectorSchema);

const taskSchema = z.strictObject({
  description: text.max(1000).optional(),
  target: name,
  login: text.max(63).optional().describe('where the target has several logins'),
  by: bySchema.describe('who may run it; the rules must let them connect, too'),
  after: z
    .array(name)
    .default([])
    .describe('tasks of this workflow that must have kept their contracts before'),
  within: LONGEST.prefault('1h').describe('how long it may take, from its first command on'),
  runs: z.int().min(1).max(10_000).default(1).describe('how often it may run in one run of the workflow'),
  contract: contractSchema,
});

/** What somebody who starts a run gives. */
export const runInputSchema = z
  .strictObject({ ...valueSchema.shape, description: text.max(1000).optional() })
  .omit({
    from: true,
    input: true,
    many: true,
  });

export const workflowSchema = z.strictObject({
  description: text.max(1000).optional(),
  within: LONGEST.prefault('1d').describe('how long a run may take'),
  startedBy: bySchema
    .optional()
    .describe('who may start a run; whoever may run one of its tasks when absent'),
  inputs: z.record(name, runInputSchema).default({}),
  tasks: z
    .record(name, taskSchema)
    .refine((tasks) => Object.keys(tasks).length > 0, 'expected at least one task')
    .refine((tasks) => Object.keys(tasks).length <= 100, 'expected at most 100 tasks'),
});

export type DeclaredWorkflow = z.output<typeof workflowSchema>;
export type DeclaredTask = DeclaredWorkflow['tasks'][string];
export type DeclaredContract = DeclaredTask['contract'];
export type DeclaredCommand = DeclaredContract['does'][number];
export type DeclaredOutput = DeclaredContract['outputs'][string];
export type DeclaredInput = DeclaredContract['inputs'][string];
export type ValueTerms = z.output<typeof valueSchema>;
export type RunInputTerms = z.output<typeof runInputSchema>;
export type Selector = z.output<typeof selectorSchema>;
