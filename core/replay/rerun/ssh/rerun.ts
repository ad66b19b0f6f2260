/** Programs of recorded SSH sessions, run again one after the other, and compared byte by byte. */
import { decodeText } from '#core/protocols/ssh/wire.ts';
import type { ReplayFrame } from '../../step.ts';
import type { MayDiffer } from '../may-differ.ts';
import { type Difference, Findings, type RerunReport } from '../report.ts';
import { type Program, programsOf, type Said, type Stream } from './programs.ts';

/** Runs one program at the sandbox to its end; undefined where it says nothing for too long. */
export type RunProgram = (program: Program) => Promise<Said | undefined>;

const CONTEXT = 60;
const SHOWN_MAX = 200;

export interface SshRerun {
  readonly session: string;
  /** The session that the rerun is. */
  readonly rerun: string;
  readonly against: string;
  readonly frames: () => AsyncIterable<ReplayFrame>;
  readonly run: RunProgram;
  /** The last step that is run again. */
  readonly until?: number | undefined;
  readonly mayDiffer: MayDiffer;
}

export async function rerunSsh({
  session,
  rerun,
  against,
  frames,
  run,
  until = Infinity,
  mayDiffer,
}: SshRerun): Promise<RerunReport> {
  const findings = new Findings();
  const programs = (await programsOf(frames)).filter(({ step }) => step <= until);
  const leftOut = programs.filter((program) => program.leftOut !== undefined);
  for (const program of programs) {
    if (program.leftOut !== undefined) continue;
    const now = await run(program);
    findings.compared(now === undefined ? [stuck(program)] : compare(program, now, mayDiffer));
  }
  const [first] = leftOut;
  return {
    session,
    rerun,
    against,
    protocol: 'ssh',
    ...findings.result(),
    ...(leftOut.length > 0 && { notReached: leftOut.length }),
    ...(first !== undefined && { incomplete: `step ${first.step} is not run again: ${first.leftOut}` }),
    ...(Number.isFinite(until) && { until }),
  };
}

function compare(was: Program, is: Said, { words }: MayDiffer): Difference[] {
  const of = { step: was.step, ...commandOf(was) };
  const found: Difference[] = [];
  for (const name of ['stdout', 'stderr'] as const) {
    const difference = firstDifference(was[name], is[name]);
    if (difference === undefined) continue;
    const because = name === 'stderr' && words.has('message') ? { because: 'message' } : {};
    found.push({ ...of, kind: 'output', column: name, ...difference, ...because });
  }
  const [before, after] = [endOf(was), endOf(is)];
  if (before !== after) found.push({ ...of, kind: 'exit', recorded: before, rerun: after });
  return found;
}

function commandOf({ start, what }: Program): { statement: string } {
  return { statement: start === 'shell' ? 'shell' : decodeText(what.subarray(0, SHOWN_MAX)) };
}

function stuck(program: Program): Difference {
  return { step: program.step, kind: 'no-answer', ...commandOf(program), recorded: endOf(program) };
}

function endOf({ exitStatus, exitSignal }: Said): string {
  if (exitSignal !== undefined) return `signal ${exitSignal}`;
  return exitStatus === undefined ? 'no status' : `exit ${exitStatus}`;
}

/** Where they part, with what stands around it. */
function firstDifference(
  was: Stream,
  is: Stream,
): { row?: number; recorded: string; rerun: string } | undefined {
  if (was.length === is.length && was.sha256 === is.sha256) return undefined;
  const shorter = Math.min(was.kept.length, is.kept.length);
  let at = 0;
  while (at < shorter && was.kept[at] === is.kept[at]) at++;
  const from = Math.max(0, at - CONTEXT);
  const around = ({ kept, length }: Stream): string =>
    `${decodeText(kept.subarray(from, at + CONTEXT))} (byte ${at + 1} of ${length})`;
  const line = lineOf(was.kept, at);
  return { row: line, recorded: around(was), rerun: around(is) };
}

/** From 1. */
function lineOf(bytes: Uint8Array, end: number): number {
  let line = 1;
  for (let at = bytes.indexOf(10); at !== -1 && at < end; at = bytes.indexOf(10, at + 1)) line++;
  return line;
}
