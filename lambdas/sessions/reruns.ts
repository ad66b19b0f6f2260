import { z } from 'zod';
import type { Target } from '#core/access/config.ts';
import { decide, refusalError } from '#core/access/decide.ts';
import { CustodyError } from '#core/errors.ts';
import { enter, type LeafSink, rerunLeaf } from '#core/ledger/leaves.ts';
import { protocolOf } from '#core/protocols/protocols.ts';
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
  if (target?.sandbox === undefined || !isReached(target, asking)) throw noSandbox(against);
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

/** True where the caller may connect, or ask to. Whether the device is one of theirs, the gateway sees, and the API does not. */
function isReached(reached: Target, { policy, caller: principal, context, now }: Asking): boolean {
  const registered = { id: '', owner: principal, name: '', fido: true, attested: false };
  const logins = protocolOf(reached).logins(reached);
  const coming = logins.length === 0 ? [{}] : logins.map((login) => ({ login }));
  return coming.some((one) => {
    const asContext = { ...context, userVerified: true, device: { registered }, ...one };
    const { name: target } = reached;
    const decision = decide({ policy, principal, action: 'connect', target, context: asContext, now });
    return !('code' in decision) || decision.code === 'approval-required';
  });
}

/** The same for one that is not there, or not theirs to use: names of targets are nobody's business. */
function noSandbox(against: string): CustodyError {
  return new CustodyError(
    'access-denied',
    `${against} is no sandbox, and a session is run again nowhere else`,
    {
      hint: 'custody.yaml says which targets are: sandbox: true, or sandbox: { from: … }',
    },
  );
}
