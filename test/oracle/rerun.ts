/** Random sessions of a real server, run again against a database that was equal before: nothing may differ. */
import type { Difference } from '#core/replay/rerun/report.ts';
import { rerunAt } from '#test/support/plain-wire.ts';
import { type Random, randomFrom } from '../fuzz/mutate.ts';
import { Cases } from './generate.ts';
import { type Case, prepare, query, send } from './run.ts';
import type { OracleServer } from './server.ts';
import { READY, RecordedSession } from './session.ts';

const CASES_A_SESSION = 10;
const STARTED_MS = 50;
const TRIES = 100;

export interface RerunCounts {
  sessions: number;
  steps: number;
  expected: number;
  failed: number;
}

/** Throws what differs in the first session of which something does. */
export async function runRerunOracle(
  server: OracleServer,
  sessions: number,
  seed: number,
): Promise<RerunCounts> {
  const random = randomFrom(seed);
  const cases = new Cases(random);
  const counts = { sessions: 0, steps: 0, expected: 0, failed: 0 };
  await prepare(server);
  while (counts.sessions < sessions) {
    await copied(server);
    const some = Array.from({ length: CASES_A_SESSION }, () => ({ moves: cases.next(), end: cases.end() }));
    const { frames, isLost } = await recorded(server, some, random);
    counts.sessions++;
    // A server that crashes takes the other database's sessions along.
    if (isLost) continue;
    const { reports } = await rerunAt(server.port, frames, { answerMs: 20_000 });
    const { differences, steps, expected } = reports[0]!;
    if (differences.length > 0) throw new Error(wordsOf(seed, counts.sessions, differences));
    counts.steps += steps;
    counts.expected += expected.length;
    if (frames.some(({ stream, payload }) => stream === 'target' && payload[0] === 0x45)) counts.failed++;
  }
  return counts;
}

function wordsOf(seed: number, session: number, differences: readonly Difference[]): string {
  return `seed ${seed}, session ${session}: ${JSON.stringify(differences.slice(0, 5), undefined, 1)}`;
}

async function recorded(server: OracleServer, some: readonly Case[], random: Random) {
  const session = await RecordedSession.open(server.port);
  for (const { moves, end } of some) {
    if (session.closed) break;
    await send(session, moves, random);
    await send(session, end.moves, () => 0.9);
    await session.until(
      (bytes) => bytes.includes(READY, Math.max(0, bytes.lastIndexOf(end.mark))) && bytes.includes(end.mark),
    );
  }
  const isLost = session.closed;
  await session.end();
  return { frames: session.frames, isLost };
}

/** `sandbox` as `postgres` is now, which nobody may be in meanwhile. */
async function copied(server: OracleServer): Promise<void> {
  const session = await RecordedSession.open(server.port, 'template1');
  for (let tries = 0; tries < TRIES; tries++) {
    session.send(query('drop database if exists sandbox'));
    await session.untilReady(1);
    session.send(query('create database sandbox template postgres'));
    let made = false;
    await session.until((bytes) => {
      made = bytes.includes('CREATE DATABASE');
      return bytes.includes(READY);
    });
    if (made) return session.end();
    await new Promise((done) => setTimeout(done, STARTED_MS));
  }
  throw new Error('the database could not be copied');
}
