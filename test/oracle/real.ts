import { REPLAY_LIMITS, type ReplayLimits, type Step } from '#core/replay/postgres/step.ts';
import { postgresSteps } from '#core/replay/postgres/steps.ts';
import type { ReplayFrame } from '#core/replay/step.ts';
import { frozen } from '../support/frozen.ts';
import type { OracleServer } from './server.ts';
import { RecordedSession } from './session.ts';

/** Bytes that the client sends at once; then it reads what comes, up to so many ReadyForQuery. */
export type Turn = readonly [ready: number, ...messages: Uint8Array[]];

/** What a session of these turns with the real server is shown as, without login and end. */
export async function shownOf(
  server: OracleServer,
  turns: readonly Turn[],
  limits: ReplayLimits = REPLAY_LIMITS,
): Promise<Step[]> {
  return stepsOf(await framesOf(server, turns), limits);
}

export async function framesOf(server: OracleServer, turns: readonly Turn[]): Promise<ReplayFrame[]> {
  const session = await RecordedSession.open(server.port);
  for (const [ready, ...messages] of turns) {
    session.send(Buffer.concat(messages));
    await session.untilReady(ready);
  }
  await session.end();
  return session.frames;
}

export async function stepsOf(
  frames: readonly ReplayFrame[],
  limits: ReplayLimits = REPLAY_LIMITS,
): Promise<Step[]> {
  const steps: Step[] = [];
  for await (const step of postgresSteps(frames, limits)) steps.push(frozen(step));
  return steps.slice(1, -1);
}
