/** A session's steps as the API answers them. */
import { z } from 'zod';
import type { StepPlace, StepQuery } from '#core/replay/index/query.ts';
import { isTimePlace, type Span, timePlace } from '#core/replay/index/time-place.ts';
import { READERS } from '#core/replay/readers.ts';
import { count, sessionId } from '../shapes.ts';

/** Steps in one page at most, and where none is asked for. */
const STEPS_MAX = 1_000;
const STEPS = 200;

const flag = z.enum(['true', 'false']).optional();
const word = z.string().min(1).max(64).optional();

export const stepsQuery = z
  .strictObject({
    limit: z.coerce.number().int().min(1).max(STEPS_MAX).default(STEPS),
    cursor: z.coerce.number().int().min(0).optional().meta({
      description: 'the `next` of the page before; with direction=previous, the `previous` of the page after',
    }),
    from: z.coerce.number().int().min(1).optional().meta({ description: 'begin at this step' }),
    at: z.string().refine(isTimePlace, 'is no time').optional().meta({
      description:
        'begin at the first step of this time or later: seconds from the start (12.5), from the end (-12.5), a share of it (90%, -10%), or a time in UTC',
      example: '12.5',
    }),
    direction: z.enum(['next', 'previous']).default('next').meta({
      description:
        'previous: what comes before, the nearest steps in ascending order; without a place, the last ones',
    }),
    errors: flag.meta({ description: 'true: only what failed or was refused' }),
    writes: flag.meta({ description: 'true: only what changed something, or may have' }),
    kind: word.meta({ description: 'only steps of this kind' }),
    outcome: word.meta({ description: 'only steps with this outcome' }),
    brief: flag.meta({ description: 'true: without the rows of results' }),
    search: flag.meta({ description: 'true: it was found by a search, and its leaf in the ledger says so' }),
  })
  .refine(({ cursor, from, at }) => [cursor, from, at].filter((place) => place !== undefined).length <= 1, {
    message: 'a page begins at a cursor, at a step or at a time: give one of them',
  });
export type StepsAsked = z.infer<typeof stepsQuery>;

/** What is asked, of a session of this length. */
export function stepQueryOf(asked: StepsAsked, span: Span & { readonly steps: number }): StepQuery {
  const { limit, direction, errors, writes, kind, outcome, brief } = asked;
  return {
    ...{ limit, direction, place: placeOf(asked, span) },
    ...(errors === 'true' ? { errors: true } : {}),
    ...(writes === 'true' ? { writes: true } : {}),
    ...(kind === undefined ? {} : { kind }),
    ...(outcome === undefined ? {} : { outcome }),
    ...(brief === 'true' ? { brief: true } : {}),
  };
}

function placeOf(
  { cursor, from, at, direction }: StepsAsked,
  span: Span & { readonly steps: number },
): StepPlace {
  if (from !== undefined) return { from };
  if (at !== undefined) return { at: timePlace(at, span) };
  return { cursor: cursor ?? (direction === 'next' ? 0 : span.steps) };
}

/** What of a session is looked at, as the ledger's leaf says it: `steps 201-400`. */
export function partOf({ search, ...asked }: StepsAsked): string {
  if (search !== 'true') return rangePart(asked);
  const part = asked.from !== undefined && asked.limit === 1 ? `step ${asked.from}` : rangePart(asked);
  return `${part}, by a search`;
}

function rangePart({ limit, direction, cursor, from, at, ...filter }: Omit<StepsAsked, 'search'>): string {
  const { errors, writes, kind, outcome } = filter;
  const only = [
    errors === 'true' ? 'errors' : undefined,
    writes === 'true' ? 'writes' : undefined,
    kind && `kind ${kind}`,
    outcome && `outcome ${outcome}`,
  ].filter((one) => one !== undefined);
  const [first, last] =
    direction === 'next' ? nextRange(cursor, from, limit) : previousRange(cursor, from, limit);
  if (only.length === 0 && at === undefined && last !== undefined) return `steps ${first}-${last}`;
  const where = at === undefined ? (last === undefined ? 'the last' : `${first}`) : `at ${at}`;
  return `steps from ${where}, ${[direction, ...only, `at most ${limit}`].join(', ')}`.slice(0, 200);
}

function nextRange(cursor: number | undefined, from: number | undefined, limit: number) {
  const first = from ?? (cursor ?? 0) + 1;
  return [first, first + limit - 1] as const;
}

function previousRange(cursor: number | undefined, from: number | undefined, limit: number) {
  const last = from ?? cursor;
  return [last === undefined ? undefined : Math.max(1, last - limit + 1), last] as const;
}

const placed = z.object({
  number: count.meta({ description: 'from 1: by it a step is named everywhere' }),
  marks: z.array(z.enum(['error', 'write'])).readonly(),
});

export const stepShape = z
  .union([...READERS.values()].map(({ shape }) => shape))
  .meta({ id: 'Step', description: 'what a step says is its own of each protocol' });

const numberedStepShape = z.intersection(stepShape, placed).meta({ id: 'NumberedStep' });

export const stepsShape = z
  .object({
    session: sessionId,
    protocol: z.string().meta({ description: 'of the target: which steps these are' }),
    verdict: z.enum(['verified', 'incomplete', 'failed', 'unanchored']).meta({
      description: 'of the evidence that the steps are read from; incomplete: the session is live',
    }),
    findings: z
      .array(z.object({ code: z.string(), object: z.string(), message: z.string() }))
      .readonly()
      .meta({ description: 'what is wrong with the evidence, the first of it' }),
    completeness: z.string().optional().meta({ description: 'what may be missing' }),
    partial: z.string().optional().meta({
      description: 'how far a session that goes on is shown, where that is not all that is recorded by now',
    }),
    total: z
      .object({ steps: count, errors: count, writes: count, until: z.number() })
      .meta({ description: 'of the session; until: the time of its last step, microseconds' }),
    checked: z.object({ segments: count, of: count }).meta({
      description:
        'of so many segments that the steps of this page are from, so many were read again for it, and are what the index was made of',
    }),
    steps: z.array(numberedStepShape).readonly(),
    next: count.optional().meta({ description: 'the cursor of what follows, where something may' }),
    previous: count.optional().meta({
      description: 'the cursor, with direction=previous, of what comes before',
    }),
  })
  .meta({ id: 'Steps' });
