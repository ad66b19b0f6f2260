/** What a search takes and answers. */
import { z } from 'zod';
import { closeReasons } from '#core/recording/format.ts';
import { TERM_MAX } from '#core/search/query.ts';
import { count, PAGE_MAX, person, sessionId, targetName, time } from '../shapes.ts';

const term = z.string().min(1).max(TERM_MAX);
const word = z.string().min(1).max(320);
const rangeTime = z.iso.datetime({ offset: true });
const yes = z.enum(['true', 'false']).transform((text) => text === 'true');
const CURSOR = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?:\/\d{1,15})?$/;

export const searchQueryShape = z.strictObject({
  limit: z.coerce.number().int().min(1).max(PAGE_MAX).default(50),
  cursor: z.string().regex(CURSOR).optional().meta({ description: 'the `next` of the page before' }),
  session: sessionId.optional(),
  person: word
    .optional()
    .meta({ description: 'a subject or an e-mail address', example: 'dana@example.com' }),
  target: targetName.optional(),
  protocol: word.optional(),
  workflow: word.optional(),
  run: z.uuid().lowercase().optional(),
  task: word.optional().meta({ description: 'of a workflow, by its name' }),
  outcome: z.enum(closeReasons).optional().meta({ description: 'why the session ended' }),
  device: word.optional().meta({ description: "a key's fingerprint, or its name" }),
  since: rangeTime.optional().meta({ description: 'steps that began then or later' }),
  until: rangeTime.optional().meta({ description: 'steps that began before' }),
  text: z.string().min(1).max(8192).optional().meta({
    description: 'words that all stand in the step, and words next to each other in double quotes',
    example: 'refund "duplicate key"',
  }),
  statement: z.string().min(1).max(16_384).optional().meta({
    description: 'what has the shape of this statement, whatever its values are',
    example: 'SELECT * FROM orders WHERE id = 7',
  }),
  shape: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional(),
  relation: term.optional().meta({
    description: 'a table, view, sequence or function, with or without its schema',
    example: 'orders:written',
  }),
  value: z.string().max(TERM_MAX).optional().meta({
    description: 'a bind value, a constant, or a value that came back: all of it, to the letter',
  }),
  command: term.optional().meta({ description: 'words next to each other in what was asked' }),
  file: term.optional().meta({ description: 'a path, the last part of one, or a folder with / at its end' }),
  code: term.optional().meta({ description: 'such as a SQLSTATE, or `exit 1`', example: '23505' }),
  errors: yes.optional().meta({ description: 'errors alone' }),
  writes: yes.optional().meta({ description: 'writes alone' }),
});

const match = z.object({
  field: z.string().meta({ description: 'where it was found', example: 'text' }),
  excerpt: z.string().meta({ description: 'a piece of it, as it was: escape it before showing it' }),
});

const found = {
  session: sessionId,
  protocol: z.string(),
  target: z.string(),
  principal: person,
  startedAt: time,
};

const step = {
  step: z.int().min(1).meta({ description: 'as in GET /v1/sessions/{id}/steps' }),
  time: time.meta({ description: 'when it began' }),
  at: z.number().meta({ description: "microseconds since the session's start" }),
  matched: z.array(match).readonly().meta({ description: 'one for each term' }),
};

const behind = z
  .object({
    count,
    sessions: z.array(sessionId).readonly().meta({ description: 'the newest of them' }),
    more: z.literal(true).optional().meta({ description: 'there are more than were counted' }),
  })
  .meta({
    id: 'SearchPending',
    description: 'sessions in which something may be found later: they go on, or are not indexed yet',
  });

const next = z
  .string()
  .optional()
  .meta({ description: 'where it goes on; a page may be short, or empty, and go on' });

const searchedSince = time.optional().meta({
  description:
    'sessions that began before were not looked at: `since` goes further back, and `session` names one',
});

export const hitsShape = z
  .object({ hits: z.array(z.object({ ...found, ...step })).readonly(), next, searchedSince, pending: behind })
  .meta({ id: 'SearchHits' });

export const foundSessionsShape = z
  .object({
    sessions: z
      .array(
        z.object({
          ...found,
          outcome: z.string().optional(),
          steps: count.meta({ description: 'steps in it that were found' }),
          more: z.literal(true).optional().meta({ description: 'there are more than `steps`' }),
          errors: count,
          writes: count,
          first: z.object(step),
        }),
      )
      .readonly(),
    next,
    searchedSince,
    pending: behind,
  })
  .meta({ id: 'FoundSessions' });
