import type { Step } from '#core/replay/postgres/step.ts';
import { postgresSteps } from '#core/replay/postgres/steps.ts';
import type { ReplayFrame } from '#core/replay/step.ts';
import { type Random, randomFrom } from '../fuzz/mutate.ts';
import { frozen } from '../support/frozen.ts';
import { disagreements } from './compare.ts';
import { Cases, type Move } from './generate.ts';
import type { OracleServer } from './server.ts';
import { READY, RecordedSession } from './session.ts';

const CASES_A_SESSION = 25;
const WAIT_MS = 20;
const SHRINKS_MAX = 400;

export interface Counts {
  cases: number;
  sessions: number;
  messages: number;
  steps: number;
  failed: number;
  skipped: number;
  doubtful: number;
  copies: number;
  /** Steps with letters beyond ASCII, and steps in which some stand as bytes. */
  letters: number;
  undecoded: number;
  lost: number;
}

export interface Case {
  readonly moves: readonly Move[];
  readonly end: { readonly moves: readonly Move[]; readonly mark: string };
}

/** Drives `count` random cases at the server and compares each session's steps with its log. Throws the smallest that differs. */
export async function runOracle(
  server: OracleServer,
  count: number,
  seed: number,
  report?: (counts: Counts) => void,
): Promise<Counts> {
  const random = randomFrom(seed);
  const cases = new Cases(random);
  const counts = {
    cases: 0,
    sessions: 0,
    messages: 0,
    steps: 0,
    failed: 0,
    skipped: 0,
    doubtful: 0,
    copies: 0,
    letters: 0,
    undecoded: 0,
    lost: 0,
  };
  await prepare(server);
  while (counts.cases < count) {
    const some: Case[] = [];
    for (let n = 0; n < CASES_A_SESSION; n++) some.push({ moves: cases.next(), end: cases.end() });
    const wrong = await play(server, some, random, counts);
    if (wrong !== undefined)
      throw new Error(`seed ${seed}, about case ${counts.cases}\n${await shrink(server, some, wrong)}`);
    report?.(counts);
  }
  return counts;
}

export async function prepare(server: OracleServer): Promise<void> {
  const session = await RecordedSession.open(server.port);
  const setUp = `create table if not exists t (n int); create table if not exists w (m text);
    create table if not exists late (n int unique deferrable initially deferred);
    create or replace function rename(name text, mark text) returns text language plpgsql as $f$ begin
      begin execute format('deallocate %I', name); exception when others then null; end;
      execute format('prepare %I as select %L', name, mark); return mark; end $f$;
    create or replace function encode_as(encoding text, is_local bool) returns text language plpgsql as $f$ begin
      return set_config('client_' || 'encoding', encoding, is_local); end $f$; select 'made'`;
  session.send(query(setUp));
  await session.until((bytes) => bytes.includes('made'));
  await session.end();
  await server.sessionLog(session.pid);
}

/** Plays cases in one session; what differs, or undefined. */
async function play(
  server: OracleServer,
  cases: readonly Case[],
  random: Random,
  counts?: Counts,
): Promise<string | undefined> {
  const session = await RecordedSession.open(server.port);
  const sent: Move[] = [];
  for (const { moves, end } of cases) {
    if (session.closed) break;
    await send(session, moves, random);
    await send(session, end.moves, () => 0.9);
    sent.push(...moves, ...end.moves);
    await session.until(
      (bytes) => bytes.includes(READY, Math.max(0, bytes.lastIndexOf(end.mark))) && bytes.includes(end.mark),
    );
    if (counts !== undefined) counts.cases++;
  }
  const wasLost = session.closed;
  await session.end();
  const log = await server.sessionLog(session.pid);
  const steps = await stepsOf(session.frames);
  count(counts, steps, sent.length, wasLost);
  const differing = disagreements(steps, log, sent, wasLost);
  const again = await stepsOf(cutAnew(session.frames, random));
  if (JSON.stringify(again.map(timeless)) !== JSON.stringify(steps.map(timeless)))
    differing.push('the steps depend on where the bytes are cut');
  return differing[0];
}

/** Several messages at once, or cut anywhere, as a network would. */
export async function send(session: RecordedSession, moves: readonly Move[], random: Random): Promise<void> {
  let held: Uint8Array[] = [];
  const flush = (): void => {
    const bytes = Buffer.concat(held);
    held = [];
    const cut = random() < 0.2 ? Math.floor(random() * bytes.length) : 0;
    for (const piece of [bytes.subarray(0, cut), bytes.subarray(cut)])
      if (piece.length > 0) session.send(piece);
  };
  for (const { bytes, waits } of moves) {
    if (session.closed) break;
    held.push(bytes);
    if (!waits && random() < 0.8) continue;
    flush();
    if (waits) await session.ready(WAIT_MS);
  }
  flush();
}

async function stepsOf(frames: readonly ReplayFrame[]): Promise<Step[]> {
  const steps: Step[] = [];
  for await (const step of postgresSteps(frames)) steps.push(frozen(step));
  return steps;
}

/** The same bytes in the same order, in other frames. */
function cutAnew(frames: readonly ReplayFrame[], random: Random): ReplayFrame[] {
  return frames.flatMap((frame) => {
    const cut = Math.floor(random() * frame.payload.length);
    const pieces = [frame.payload.subarray(0, cut), frame.payload.subarray(cut)];
    return pieces.filter(({ length }) => length > 0).map((payload) => ({ ...frame, payload }));
  });
}

function timeless({
  kind,
  outcome,
  statement,
  runs,
  doubt,
  name,
  values,
  rows,
  tag,
  copy,
  error,
}: Step): unknown {
  return [kind, outcome, statement, runs, doubt, name, values, rows, tag, copy, error];
}

function count(counts: Counts | undefined, steps: readonly Step[], messages: number, wasLost: boolean): void {
  if (counts === undefined) return;
  counts.sessions++;
  counts.messages += messages;
  counts.steps += steps.length;
  counts.lost += wasLost ? 1 : 0;
  counts.failed += steps.filter(({ outcome }) => outcome === 'failed').length;
  counts.skipped += steps.filter(({ outcome }) => outcome === 'skipped').length;
  counts.doubtful += steps.filter(({ doubt }) => doubt !== undefined).length;
  const words = steps.map((step) => JSON.stringify(step));
  counts.letters += words.filter((text) => /[^\0-\x7f]/.test(text)).length;
  counts.undecoded += words.filter((text) => text.includes('"undecoded":true')).length;
  counts.copies += steps.filter(({ copy }) => copy !== undefined).length;
}

/** The fewest messages that still differ, in words. */
async function shrink(server: OracleServer, cases: readonly Case[], wrong: string): Promise<string> {
  let smallest = cases.map(({ moves }) => moves);
  let why = wrong;
  let tries = 0;
  const end = new Cases(() => 0).end();
  const differs = async (candidate: readonly (readonly Move[])[]): Promise<boolean> => {
    if (++tries > SHRINKS_MAX) return false;
    const found = await play(
      server,
      candidate.map((moves) => ({ moves, end })),
      () => 0.9,
    );
    if (found !== undefined) why = found;
    return found !== undefined;
  };
  for (const one of smallest) {
    if (!(await differs([one]))) continue;
    smallest = [one];
    break;
  }
  for (let at = smallest.length - 1; at >= 0 && smallest.length > 1; at--) {
    const without = smallest.toSpliced(at, 1);
    if (await differs(without)) smallest = without;
  }
  for (let turn = smallest.length - 1; turn >= 0; turn--) {
    for (let at = smallest[turn]!.length - 1; at >= 0; at--) {
      const without = smallest.with(turn, smallest[turn]!.toSpliced(at, 1));
      if (await differs(without)) smallest = without;
    }
  }
  const words = smallest.map((moves) =>
    moves.map(({ label, waits }) => `  ${label}${waits ? ' …' : ''}`).join('\n'),
  );
  return `${why}\n${words.join('\n  --\n').slice(0, 3000)}`;
}

export function query(text: string): Uint8Array {
  const body = Buffer.from(`${text}\0`);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length + 4);
  return Buffer.concat([Uint8Array.of(0x51), length, body]);
}
