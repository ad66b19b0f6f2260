import { createHash } from 'node:crypto';
import { asCustodyError } from '../../errors.ts';
import { type CloseStatement, type OpenStatement, STATEMENT_MAX_BYTES } from '../../recording/format.ts';
import { CLOSE, OPEN, SIGNER_KEY, sessionPrefix } from '../../recording/layout.ts';
import type { EvidenceFolder } from '../../recording/verify/folder.ts';
import type { Opening, Reading } from '../../recording/verify/verify.ts';
import { readEvidence, type VerifyReport } from '../../recording/verify/verify.ts';
import type { ReplayFrame } from '../../replay/step.ts';
import type { RunFolder } from './read-run.ts';

/** A statement with the SHA-256 of its bytes. */
interface Stated<T> {
  readonly value: T;
  readonly sha256: string;
}

/** What a session's evidence comes to. */
export interface VerifiedSession<T> {
  readonly report: VerifyReport;
  readonly open?: OpenStatement;
  /** What was made of it; absent where something speaks against it, or it is not sealed. */
  readonly made?: T;
  /** Why it could not be made of evidence that is otherwise good. */
  readonly failure?: string;
}

export interface SealedSession {
  readonly open: Stated<OpenStatement>;
  readonly close: Stated<CloseStatement>;
  /** Verified before they are given. */
  readonly frames: AsyncIterable<ReplayFrame>;
}

/** Whom the evidence may be signed by, and which ledger its proof has to be of. */
interface Trust {
  readonly trustedSigners: readonly Uint8Array[];
  readonly ledger?: string;
}

/** Verifies a session's evidence and makes something of it in the same pass. */
export async function verifySession<T>(
  folder: RunFolder,
  session: string,
  trust: Trust,
  make: (sealed: SealedSession) => Promise<T>,
): Promise<VerifiedSession<T>> {
  const evidence = evidenceIn(folder, session);
  const reading = readEvidence(evidence, { ...trust, session });
  const first = await reading.next();
  if (first.done) return { report: first.value };
  const { open, close, fault } = (first.value as { readonly opening: Opening }).opening;
  const rest = new Rest(reading);
  const said = open === undefined ? {} : { open };
  if (open === undefined || close === undefined || fault !== undefined)
    return { report: await rest.finish(), ...said };
  const [openHash, closeHash] = await Promise.all([OPEN, CLOSE].map((name) => hashOf(evidence, name)));
  const sealed = {
    open: { value: open, sha256: openHash! },
    close: { value: close, sha256: closeHash! },
    frames: rest.frames(),
  };
  const made = await make(sealed).then(
    (value) => ({ made: value }),
    (error: unknown) => ({ failure: asCustodyError(error).detail ?? asCustodyError(error).message }),
  );
  const report = await rest.finish();
  return { report, ...said, ...(report.verdict === 'failed' ? {} : made) };
}

/** What is left of a verification: frames as long as they are good, and the report, however much of them was taken. */
class Rest {
  readonly #reading: AsyncGenerator<Reading, VerifyReport, undefined>;
  #report: VerifyReport | undefined;

  constructor(reading: AsyncGenerator<Reading, VerifyReport, undefined>) {
    this.#reading = reading;
  }

  async *frames(): AsyncGenerator<ReplayFrame, void, undefined> {
    for (let part = await this.#next(); part !== undefined; part = await this.#next()) {
      if ('fault' in part) return;
      if ('frames' in part) yield* part.frames;
    }
  }

  async finish(): Promise<VerifyReport> {
    while ((await this.#next()) !== undefined);
    return this.#report!;
  }

  async #next(): Promise<Reading | undefined> {
    if (this.#report !== undefined) return undefined;
    const { done, value } = await this.#reading.next();
    if (!done) return value;
    this.#report = value;
    return undefined;
  }
}

/** A session's part of a run's folder. */
export function evidenceIn(folder: RunFolder, session: string): EvidenceFolder {
  const prefix = sessionPrefix(session);
  return { list: () => folder.list(prefix), get: (name, atMost) => folder.get(prefix + name, atMost) };
}

/** The signer's key as the session's folder has it, PEM; undefined where it cannot be read. Whether it is to be trusted its evidence says. */
export async function signerIn(folder: RunFolder, session: string): Promise<Uint8Array | undefined> {
  return evidenceIn(folder, session)
    .get(SIGNER_KEY, STATEMENT_MAX_BYTES)
    .catch(() => undefined);
}

async function hashOf(evidence: EvidenceFolder, name: string): Promise<string> {
  const bytes = await evidence.get(name, STATEMENT_MAX_BYTES);
  return createHash('sha256').update(bytes).digest('hex');
}
