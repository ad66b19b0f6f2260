/** A sealed session's evidence as results are derived of it: verified while it is read. */
import { CustodyError } from '../errors.ts';
import type { CloseStatement, OpenStatement } from '../recording/format.ts';
import { CLOSE, OPEN, TASK_RESULT } from '../recording/layout.ts';
import type { RecordingSource } from '../recording/ports.ts';
import { sha256Hex } from '../recording/statements.ts';
import { storedEvidence } from '../recording/stored-evidence.ts';
import { type Reading, readEvidence, type VerifyReport, verdictOf } from '../recording/verify/verify.ts';
import type { ReplayFrame } from '../replay/step.ts';

export interface SealedSession {
  readonly open: { readonly value: OpenStatement; readonly sha256: string };
  readonly close: { readonly value: CloseStatement; readonly sha256: string };
  /** Of all streams in the order of time; to be read once. Rejects with `state-damaged` where evidence does not hold. */
  readonly frames: AsyncIterable<ReplayFrame>;
}

/** `names`: what is stored of it. `signer`: its key (SPKI, DER). Rejects with `state-damaged` for statements that do not hold. */
export async function openSealed(
  session: string,
  names: readonly string[],
  source: Pick<RecordingSource, 'get'>,
  signer: Uint8Array,
): Promise<SealedSession> {
  const hashes = new Map<string, string>();
  const folder = storedEvidence(
    source,
    session,
    // Whoever put it was not before whoever derives: it is looked at by itself.
    names.filter((name) => name !== TASK_RESULT),
    signer,
  );
  const get: typeof folder.get = async (name, atMost) => {
    const bytes = await folder.get(name, atMost);
    if (name === OPEN || name === CLOSE) hashes.set(name, sha256Hex(bytes));
    return bytes;
  };
  const readings = readEvidence({ ...folder, get }, { trustedSigners: [signer], session });
  const { value: first } = await readings.next();
  const { open, close, fault } = first !== undefined && 'opening' in first ? first.opening : {};
  if (open === undefined || close === undefined || fault !== undefined) throw damaged(session, fault);
  return {
    open: { value: open, sha256: hashes.get(OPEN)! },
    close: { value: close, sha256: hashes.get(CLOSE)! },
    frames: verified(session, readings),
  };
}

async function* verified(
  session: string,
  readings: AsyncGenerator<Reading, VerifyReport, undefined>,
): AsyncGenerator<ReplayFrame, void, undefined> {
  for (;;) {
    const { done, value } = await readings.next();
    if (done) {
      const finding = value.findings.find((one) => verdictOf([one]) !== 'verified');
      if (finding !== undefined) throw damaged(session, finding.message);
      return;
    }
    if ('fault' in value) throw damaged(session, value.fault);
    if ('frames' in value) yield* value.frames;
  }
}

function damaged(session: string, why = 'its statements do not hold'): CustodyError {
  return new CustodyError('state-damaged', `the evidence of session ${session} does not verify`, {
    hint: `look into it: custody verify ${session}`,
    detail: why,
  });
}
