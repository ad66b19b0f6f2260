/** How many steps a session has when: what a strip over its time shows, however many they are. */
import { z } from 'zod';
import type { SessionRecord } from '#core/recording/session-index.ts';
import type { Sum } from '#core/replay/index/step-index.ts';
import { count, sessionId } from '../shapes.ts';
import { type StepsPorts, withSteps } from './steps.ts';
import type { ReadPermission } from './visible.ts';

/** Parts of the time that are told apart. */
const PARTS = 400;

export const outlineShape = z
  .object({
    session: sessionId,
    until: z.number().meta({ description: 'the time of the last step, microseconds' }),
    pieces: z
      .array(
        z.object({
          first: count.meta({ description: 'the number of the first step of it' }),
          steps: count,
          errors: count,
          writes: count,
          from: z.number().meta({ description: 'when its first step began, microseconds since the start' }),
          to: z.number().meta({ description: 'when its last step began' }),
        }),
      )
      .readonly(),
  })
  .meta({ id: 'Outline', description: 'steps that follow one another, in sum' });

/** The permission stands for the check that was made. Rejects as pages of steps do. */
export async function outlineOf(
  permission: ReadPermission,
  session: SessionRecord,
  ports: StepsPorts,
): Promise<z.input<typeof outlineShape>> {
  const { made } = await withSteps(permission, session, ports, async ({ index, about }) => {
    const until = about.total.to;
    return { session: session.id, until, pieces: await piecesOf(index.outline(), until) };
  });
  return made;
}

async function piecesOf(outline: AsyncIterable<Sum>, until: number): Promise<readonly Sum[]> {
  const pieces: Sum[] = [];
  for await (const { first, steps, errors, writes, from, to } of outline)
    join(pieces, { first, steps, errors, writes, from, to }, until);
  return pieces;
}

/** Into the last piece, where it began in the same part of the time. */
function join(pieces: Sum[], sum: Sum, until: number): void {
  const partOf = ({ from }: Sum): number => Math.floor((from / Math.max(1, until)) * PARTS);
  const last = pieces.at(-1);
  if (last === undefined || partOf(last) !== partOf(sum)) pieces.push(sum);
  else
    pieces[pieces.length - 1] = {
      first: last.first,
      steps: last.steps + sum.steps,
      errors: last.errors + sum.errors,
      writes: last.writes + sum.writes,
      from: last.from,
      to: Math.max(last.to, sum.to),
    };
}
