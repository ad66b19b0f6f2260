/** A look at what was done in a session: whether it is allowed, its leaf in the ledger, and what of it may be seen. */
import { type Authorization, type Refusal, refusalError } from '#core/access/decide.ts';
import { leftOutOf } from '#core/access/left-out.ts';
import { CustodyError } from '#core/errors.ts';
import { enter, type LeafSink, seenLeaf } from '#core/ledger/leaves.ts';
import type { SessionRecord } from '#core/recording/session-index.ts';
import type { Redaction } from '#core/replay/redact/redaction.ts';
import type { Redactions } from '#core/replay/redact/redactions.ts';
import type { Asking } from '../asking.ts';
import { decideFor, mayExport, mayRead, type ReadPermission } from './visible.ts';

export type LookAction = 'replay' | 'export' | 'rerun';
/** What a look rests on: whoever may take it away may look at it, too. */
export type LookPermission<A extends LookAction = LookAction> = A extends 'rerun'
  ? Authorization<'rerun'>
  : ReadPermission;

export interface Look<A extends LookAction = LookAction> {
  readonly permission: LookPermission<A>;
  /** Put every step through it before it is shown; undefined: all of it may be seen. */
  readonly redaction: Redaction | undefined;
}

export interface LookPorts {
  readonly leaves: LeafSink;
  readonly redactions: Redactions;
}

/**
 * Permission to look, entered into the ledger's queue before anything is shown. `part`: what is looked at, in words of its own such as
 * `steps 1-200`. Throws the refusal.
 */
export async function looked<A extends LookAction>(
  asking: Asking,
  session: SessionRecord,
  action: A,
  part: string | undefined,
  { leaves, redactions }: LookPorts,
): Promise<Look<A>> {
  const permission = allowed(mayLook(session, asking, action));
  const redaction = permission.unredacted ? undefined : await redactions.of(session, asking.policy);
  await enter(seenLeaf(permission, session.id, asking.now, part), leaves);
  return { permission, redaction };
}

/** The same for what was left out already, of what is shown: of hits of a search. */
export async function lookedAtFound(
  asking: Asking,
  session: SessionRecord,
  part: string,
  { leaves }: Pick<LookPorts, 'leaves'>,
): Promise<LookPermission<'replay'>> {
  const permission = allowed(mayLook(session, asking, 'replay'));
  await enter(seenLeaf(permission, session.id, asking.now, part), leaves);
  return permission;
}

/** The same for the bytes of evidence, of which nothing can be left out. */
export async function lookedAtEvidence<A extends LookAction>(
  asking: Asking,
  session: SessionRecord,
  action: A,
  part: string | undefined,
  { leaves }: Pick<LookPorts, 'leaves'>,
): Promise<LookPermission<A>> {
  const permission = allowed(mayLook(session, asking, action));
  if (isRedacted(session, asking, permission)) throw noEvidence(session, action);
  await enter(seenLeaf(permission, session.id, asking.now, part), leaves);
  return permission;
}

/** Whether they may, and by what; nothing is entered. */
export function mayLook<A extends LookAction>(
  session: SessionRecord,
  asking: Asking,
  action: A,
): LookPermission<A> | Refusal;
export function mayLook(session: SessionRecord, asking: Asking, action: LookAction) {
  if (action === 'replay') return mayRead(session, asking);
  return action === 'export' ? mayExport(session, asking) : decideFor('rerun', session, asking);
}

/** True where the target leaves something out, and nothing lets this caller see it. */
export function isRedacted(
  { target }: SessionRecord,
  { policy }: Asking,
  { unredacted }: Pick<Authorization, 'unredacted'>,
): boolean {
  return !unredacted && leftOutOf(target, policy) !== undefined;
}

function allowed<P extends LookPermission>(decision: P | Refusal): P {
  if ('code' in decision) throw refusalError(decision);
  return decision;
}

/** A client that can show what is left falls back to it by this code: see cli/play/redacted.ts. */
function noEvidence({ id, target }: SessionRecord, action: LookAction): CustodyError {
  const what = action === 'rerun' ? 'it cannot be run again without it' : 'you may see the rest';
  return new CustodyError(
    'evidence-redacted',
    `the evidence of ${target} holds what you may not see: ${what}`,
    {
      hint: `custody steps ${id} shows what is left; a rule with \`unredacted: true\` gives the evidence`,
    },
  );
}
