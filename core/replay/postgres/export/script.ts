/** A session as a script for psql: its statements in order, with the answers as comments. */
import { loadParser } from '#core/protocols/postgres/shapes/parser.ts';
import type { Frames, ScriptTotals, TakeText } from '../../export/exports.ts';
import type { EndingOf } from '../../reader.ts';
import { postgresSteps } from '../steps.ts';
import { EXPORT_LIMITS } from './limits.ts';
import { ScriptTap } from './script-tap.ts';
import { ScriptWriter } from './script-writer.ts';

const HEAD = `-- What failed, and what was never run, is a comment: the rest runs as it ran, also with ON_ERROR_STOP.
-- A transaction that came to nothing is rolled back here, whatever the client asked for at its end.
\\set ON_ERROR_STOP on
\\set ON_ERROR_ROLLBACK off
\\set AUTOCOMMIT on
`;

/** Given on while it is read: of data of COPYs no more is in memory than a frame has. */
export async function writeScript(frames: Frames, ending: EndingOf, take: TakeText): Promise<ScriptTotals> {
  const writer = new ScriptWriter(await loadParser());
  const tap = new ScriptTap(writer);
  const flush = async (): Promise<void> => {
    const text = writer.take();
    if (text !== '') await take(text);
  };
  await take(HEAD);
  async function* paced() {
    for await (const frame of frames) {
      await flush();
      yield frame;
    }
  }
  const steps = postgresSteps(paced(), EXPORT_LIMITS, ending, tap);
  while ((await steps.next()).done !== true) await flush();
  writer.end();
  await flush();
  return writer.totals;
}
