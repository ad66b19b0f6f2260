/** What is made of the evidence itself, while it is verified: a script of SQL, or the bytes of a stream. */
import { setImmediate as othersFirst } from 'node:timers/promises';
import { CustodyError } from '#core/errors.ts';
import type { StreamName } from '#core/recording/format.ts';
import type { RecordingSource } from '#core/recording/ports.ts';
import type { SessionRecord } from '#core/recording/session-index.ts';
import { readEvidence } from '#core/recording/verify/verify.ts';
import { CheckedReading } from '#core/replay/checked-reading.ts';
import { LOAD_EXPORTS } from '#core/replay/export/load-exports.ts';
import { rawBytes } from '#core/replay/export/raw.ts';
import { evidenceOf } from '#core/replay/index/index-session.ts';
import { isSmall } from './steps.ts';
import type { ReadPermission } from './visible.ts';

interface Ports {
  readonly source: RecordingSource;
  readonly signer: () => Promise<Uint8Array>;
}

interface TakenAway {
  readonly type: string;
  readonly bytes: Buffer;
  readonly verdict: string;
}

/** Of an answer, as base64 within what a function may answer with. */
const ANSWER_MAX_BYTES = 4 << 20;

/**
 * The bytes of `stream`, or a script where none is named. Rejects with `unsupported` where it is more than one call can read, or
 * answer with. The permission stands for the check that was made.
 */
export async function takeAway(
  _permission: ReadPermission,
  session: SessionRecord,
  stream: StreamName | undefined,
  { source, signer }: Ports,
): Promise<TakenAway> {
  const evidence = await evidenceOf(session.id, source, await signer());
  const form = stream === undefined ? '--sql' : `--raw ${stream}`;
  if (!(await isSmall(session, evidence))) throw tooLong(session, form);
  const reading = new CheckedReading(
    readEvidence(evidence.folder, evidence.trust),
    () => undefined,
    () => othersFirst(),
  );
  const { close } = await reading.open();
  const pieces: Uint8Array[] = [];
  let size = 0;
  const take = async (piece: Uint8Array): Promise<void> => {
    if ((size += piece.length) > ANSWER_MAX_BYTES) throw tooLong(session, form);
    pieces.push(piece);
  };
  if (stream === undefined) {
    const script = await scriptOf(session);
    const ending = () => ({ reason: close?.reason });
    await script(reading.frames(), ending, (text) => take(Buffer.from(text)));
  } else for await (const piece of rawBytes(reading.frames(), stream, () => undefined)) await take(piece);
  const { verdict } = await reading.finish();
  const type = stream === undefined ? 'application/sql' : 'application/octet-stream';
  return { type, bytes: Buffer.concat(pieces), verdict };
}

async function scriptOf({ protocol, id }: SessionRecord) {
  const exports = await LOAD_EXPORTS.get(protocol)?.();
  if (exports !== undefined) return exports.script;
  throw new CustodyError('unsupported', `sessions of ${protocol} have no statements`, {
    hint: `its steps: custody export ${id} --ndjson`,
  });
}

function tooLong({ id }: SessionRecord, form: string): CustodyError {
  return new CustodyError('unsupported', 'it is more than one call can read, or answer with', {
    hint: `custody export ${id} ${form} reads it out of the evidence where you are`,
  });
}
