import type { Socket } from 'node:net';
import { asCustodyError, CustodyError } from '#core/errors.ts';
import type { PostgresTarget } from '#core/protocols/postgres/schema.ts';
import type { encodeStartup } from '#core/protocols/postgres/startup.ts';
import { connectTarget } from './dial.ts';
import { READ_ONLY, refuseReadOnly } from './read-write.ts';
import { sqlstateOf } from './server-said.ts';
import { loginToTarget, type TargetRefusal, type TargetSession } from './target-login.ts';
import type { Trust } from './trust.ts';

/** Between two tries at a cluster that fails over, milliseconds: RDS and Aurora take some seconds. */
const PAUSE_MS = 500;
/** A class of SQLSTATE: 57 is operator intervention, with which servers start and stop. */
const COMES_AND_GOES = '57P';
/** What the network says of a server that is not there now. A certificate that is not good has other codes. */
const AWAY: readonly string[] = [
  ...['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH'],
  ...['ENOTFOUND', 'EAI_AGAIN'],
];
/** SQLSTATE invalid_password. */
const WRONG_PASSWORD = '28P01';

export interface Reaching {
  readonly trust: Trust;
  readonly startup: Parameters<typeof encodeStartup>[0];
  readonly secret: string;
  /** Another credential than `used` that may be the one that is good by now. */
  readonly rotated: (used: string) => Promise<string | undefined>;
  /** How long it may take. */
  readonly signal: AbortSignal;
  /** Told of each try that is followed by another. */
  readonly onAgain: (error: CustodyError) => void;
  /** Rejects with the reason of the signal. */
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>;
}

export interface Reached {
  readonly socket: Socket;
  readonly session: TargetSession;
}

/**
 * Logs in to the target. Where the target asks for sessions that can write, a server that is away, starts, stops or can only read is
 * tried again for as long as the signal lets it: its name leads elsewhere in a moment. Where a password is refused that was rotated
 * meanwhile, the other one is tried, once. What the target says of the session itself is returned.
 * Rejects as `connectTarget` and `loginToTarget` do, and with the reason of the signal.
 */
export async function reachTarget(
  target: PostgresTarget,
  reaching: Reaching,
): Promise<Reached | TargetRefusal> {
  let { secret } = reaching;
  let mayRotate = true;
  let last: CustodyError | undefined;
  for (;;) {
    try {
      return await oneTry(target, reaching, secret);
    } catch (thrown) {
      refuseAfter(reaching.signal, last);
      const other: string | undefined =
        mayRotate && sqlstateOf(thrown) === WRONG_PASSWORD ? await reaching.rotated(secret) : undefined;
      mayRotate &&= other === undefined;
      secret = other ?? secret;
      if (other === undefined) last = await again(target, reaching, thrown);
    }
  }
}

async function oneTry(
  target: PostgresTarget,
  reaching: Reaching,
  secret: string,
): Promise<Reached | TargetRefusal> {
  const { trust, startup, signal } = reaching;
  const socket = await connectTarget(target, trust, signal);
  const abandon = (): void => void socket.destroy();
  signal.addEventListener('abort', abandon, { once: true });
  try {
    const session = await loginToTarget(socket, target, secret, startup);
    if ('refusal' in session) return refused(target, socket, session);
    if (!wantsWriter(target)) return { socket, session };
    const behind = await refuseReadOnly(socket, target);
    return { socket, session: { ...session, rest: Buffer.concat([session.rest, behind]) } };
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    signal.removeEventListener('abort', abandon);
  }
}

/** Throws where it is worth another try. */
function refused(target: PostgresTarget, socket: Socket, refusal: TargetRefusal): TargetRefusal {
  socket.destroy();
  if (wantsWriter(target) && isPassing(refusal.error)) throw refusal.error;
  return refusal;
}

/** Resolves with what was in the way, once another try may succeed. */
async function again(
  target: PostgresTarget,
  { onAgain, pause, signal }: Reaching,
  thrown: unknown,
): Promise<CustodyError> {
  if (!wantsWriter(target) || !isPassing(thrown)) throw thrown;
  const error = asCustodyError(thrown);
  onAgain(error);
  await pause(PAUSE_MS, signal).catch(() => refuseAfter(signal, error));
  return error;
}

/** What kept it from a session says more than that the time is over. */
function refuseAfter(signal: AbortSignal, last: CustodyError | undefined): void {
  if (!signal.aborted) return;
  const reason = asCustodyError(signal.reason);
  if (last === undefined || reason.code !== 'target-unreachable') throw reason;
  throw new CustodyError(reason.code, `${reason.message}: ${last.message}`, {
    ...(last.hint === undefined ? {} : { hint: last.hint }),
    ...(last.detail === undefined ? {} : { detail: last.detail }),
    cause: last,
  });
}

function wantsWriter({ connect }: PostgresTarget): boolean {
  return connect.session === 'read-write';
}

function isPassing(thrown: unknown): boolean {
  const { code, cause } = asCustodyError(thrown);
  const sqlstate = sqlstateOf(thrown);
  if (sqlstate !== undefined) return sqlstate.startsWith(COMES_AND_GOES) || sqlstate === READ_ONLY;
  if (code === 'target-lost') return true;
  return (
    code === 'target-unreachable' && AWAY.includes((cause as NodeJS.ErrnoException | undefined)?.code ?? '')
  );
}
