import { z } from 'zod';
import { refusalError } from '#core/access/decide.ts';
import { CustodyError } from '#core/errors.ts';
import { enter, type LeafSink, rerunLeaf } from '#core/ledger/leaves.ts';
import type { SessionRecord } from '#core/recording/session-index.ts';
import type { Asking } from '../asking.ts';
import { sessionId } from '../shapes.ts';
import { decideFor } from './visible.ts';

export const rerunBody = z.strictObject({
  against: z.string().min(1).max(255).meta({ description: 'a target with `sandbox` in custody.yaml' }),
  until: z.int().min(1).optional().meta({ description: 'the last step that is run again' }),
});

export const rerunShape = z
  .object({
    session: sessionId,
    against: z.string(),
    protocol: z.string(),
    sandbox: z
      .enum(['static', 'made'])
      .meta({ description: 'made: one has to be made first, POST /v1/sandboxes' }),
    at: z
      .enum(['session', 'now'])
      .optional()
      .meta({ description: 'of one that is made: the usual moment of its data' }),
  })
  .meta({
    id: 'Rerun',
    description: 'a permission, which the ledger has; whoever asked runs the session again',
  });

/** The leaf is queued before anybody is told that they may. Nothing overrides that a target has to be a sandbox. */
export async function permitRerun(
  session: SessionRecord,
  { against, until }: z.infer<typeof rerunBody>,
  asking: Asking,
  leaves: LeafSink,
): Promise<z.input<typeof rerunShape>> {
  const decision = decideFor('rerun', session, asking);
  if ('code' in decision) throw refusalError(decision);
  const target = asking.policy.targets.get(against);
  if (target?.sandbox === undefined) throw noSandbox(against);
  if (target.protocol !== session.protocol) {
    throw new CustodyError(
      'conflict',
      `${against} speaks ${target.protocol}, and the session was ${session.protocol}`,
    );
  }
  const part = until === undefined ? undefined : `1-${until}`;
  await enter(rerunLeaf(decision, session.id, asking.now, { against, part }), leaves);
  const { sandbox } = target;
  const how =
    sandbox === true ? { sandbox: 'static' as const } : { sandbox: 'made' as const, at: sandbox.at };
  return { session: session.id, against, protocol: target.protocol, ...how };
}

/** The same for one that is not there: names of targets are nobody's business. */
function noSandbox(against: string): CustodyError {
  return new CustodyError(
    'access-denied',
    `${against} is no sandbox, and a session is run again nowhere else`,
    {
      hint: 'custody.yaml says which targets are: sandbox: true, or sandbox: { from: … }',
    },
  );
}
