import { createPublicKey, type KeyObject } from 'node:crypto';
import { printable } from '../../printable.ts';
import {
  type CloseStatement,
  closeStatementSchema,
  type OpenStatement,
  openStatementSchema,
} from '../format.ts';
import {
  CLOSE,
  LEDGER_PROOF,
  OPEN,
  SIGNER_KEY,
  segmentNumber,
  signatureName,
  TASK_RESULT,
} from '../layout.ts';
import type { VouchingKeys } from '../vouched.ts';
import { type ChainResult, verifyChain } from './chain.ts';
import { gatherFacts } from './facts.ts';
import { Findings } from './findings.ts';
import type { EvidenceFolder } from './folder.ts';
import { checkLedgerProof } from './ledger-proof.ts';
import { type Objects, openObjects } from './objects.ts';
import { type Finding, type Report, type VerifyReport, verdictOf } from './report.ts';
import type { Frames } from './segment.ts';
import { readSigner, type Sha256, sha256Hex } from './signer.ts';
import { readStatement, type Statement } from './statement.ts';
import { checkTaskResult } from './task-result.ts';

export type { EvidenceFolder } from './folder.ts';
export type { EvidenceFacts, Finding, FindingCode, Verdict, VerifyReport } from './report.ts';
export { verdictOf } from './report.ts';

const OF_CLOSE: ReadonlySet<string> = new Set([CLOSE, signatureName(CLOSE)]);

export interface VerifyOptions {
  /** The signers the auditor trusts, SubjectPublicKeyInfo in DER. None: the best verdict is `unanchored`. */
  readonly trustedSigners: readonly Uint8Array[];
  /** The session asked for; without it, whichever session the folder holds. */
  readonly session?: string;
  /** The origin of the ledger that the auditor expects `ledger.json` to be of. None: with such a file `unanchored` at best. */
  readonly ledger?: string;
  /**
   * How segments are hashed, nearly all there is to hash: the port by which a browser uses its own SHA-256, which answers later and
   * is ten times as fast as one in JavaScript. By default node's.
   */
  readonly sha256?: Sha256;
}

/**
 * Checks one evidence folder against everything FORMAT.md says a verifier must establish, without the gateway, its
 * writer or a network. Holds one segment in memory at a time. Bad evidence never makes it throw: it collects every
 * finding that still makes sense. Rejects only with what `folder.list()` rejects with.
 */
export async function verifyEvidence(folder: EvidenceFolder, options: VerifyOptions): Promise<VerifyReport> {
  const reading = readEvidence(folder, options);
  for (;;) {
    const { done, value } = await reading.next();
    if (done) return value;
  }
}

/**
 * What is known of evidence while it is verified: first what its statements say; then frames, of which all that was checked so
 * far says that they are what was recorded; or why none are given from here on.
 */
export type Reading =
  | { readonly opening: Opening }
  | { readonly frames: Frames }
  | { readonly fault: string };

export interface Opening {
  /** What was found so far. */
  readonly findings: readonly Finding[];
  /** Undefined where there is none that could be read. */
  readonly open: OpenStatement | undefined;
  /** Why nobody vouches for what `open` says, so that no frames are given. */
  readonly fault: string | undefined;
  /** Undefined also where something speaks against it: what an end says counts when it is signed, and of this session. */
  readonly close: CloseStatement | undefined;
}

/**
 * Verifies as `verifyEvidence` does, and gives what it reads as it goes; returns the report. Frames are given once `open.json` is
 * known to be signed by a signer whom nothing speaks against, and those of a segment once its head is known to be signed
 * by the session's key, its content to be what the head says, and its place to follow what came before: nothing that is
 * given turns out to be altered later. What is missing at the end, only the report can say.
 */
export async function* readEvidence(
  folder: EvidenceFolder,
  options: VerifyOptions,
): AsyncGenerator<Reading, VerifyReport, undefined> {
  const found = new Findings();
  const { report } = found;
  const objects = await openObjects(folder, report);

  const signer = await readSigner(objects, options.trustedSigners, report);
  const open = objects.names.has(OPEN)
    ? await readStatement(OPEN, 'custody/open/1', openStatementSchema, signer, objects, report)
    : reportNoOpen(report);
  const faultOfOpen = firstFault(found);
  const close = objects.names.has(CLOSE)
    ? await readStatement(CLOSE, 'custody/close/1', closeStatementSchema, signer, objects, report)
    : reportNoClose(objects, report);

  const session = options.session ?? open?.value.session ?? close?.value.session;
  checkSessions(open?.value, close?.value, session, report);
  const keys = open && readKeys(open.value, report);
  const isAnothers = open !== undefined && open.value.session !== session;
  const fault = faultOfOpen ?? (isAnothers || keys === undefined ? firstFault(found) : undefined);
  const end = fault === undefined ? unlessDoubted(close, open, found) : undefined;
  yield { opening: { findings: found.all(), open: open?.value, fault, close: end } };
  const start = { session, keys, open: linkTo(open), sha256: options.sha256 ?? sha256Hex };
  const parts = verifyChain(start, close?.value, objects, report);
  const chain = yield* fault === undefined ? parts : withoutFrames(parts, fault);
  if (close !== undefined) checkClose(close.value, open, chain, report);
  const statements = { session, open, close };
  const ledger = await checkLedgerProof(statements, signer, options.ledger, objects, report);
  await checkTaskResult(statements, signer, objects, report);
  reportUnlisted(objects, report);

  const findings = found.all();
  const verdict = verdictOf(findings);
  if (open === undefined) return { verdict, findings };
  return {
    verdict,
    findings,
    facts: gatherFacts(
      { open: open.value, close: end, hasClose: close !== undefined },
      chain,
      signer?.fingerprint,
      ledger,
    ),
  };
}

function firstFault(found: Findings): string | undefined {
  return found.all().find((finding) => verdictOf([finding]) === 'failed')?.message;
}

/** The close statement, if it is of this opening and nothing was found against it or its signature. */
function unlessDoubted(
  close: Statement<CloseStatement> | undefined,
  open: Statement<OpenStatement> | undefined,
  found: Findings,
): CloseStatement | undefined {
  const isDoubted = found
    .all()
    .some((finding) => OF_CLOSE.has(finding.object) && verdictOf([finding]) === 'failed');
  return isDoubted || close?.value.open !== open?.sha256 ? undefined : close?.value;
}

/** Where nobody vouches for the session's key. */
async function* withoutFrames(
  parts: AsyncGenerator<Reading, ChainResult, undefined>,
  fault: string,
): AsyncGenerator<Reading, ChainResult, undefined> {
  yield { fault };
  for (;;) {
    const { done, value } = await parts.next();
    if (done) return value;
  }
}

function reportNoOpen(report: Report): undefined {
  report('open-missing', OPEN, `${OPEN} is missing: there is no session here`);
}

function reportNoClose(objects: Objects, report: Report): undefined {
  report('close-missing', CLOSE, `${CLOSE} is missing: the session is live or was never sealed`);
  const signature = signatureName(CLOSE);
  if (!objects.names.has(signature)) return;
  report('object-unlisted', signature, `${signature} is there, but the statement it would sign is missing`);
}

function linkTo(open: Statement<OpenStatement> | undefined) {
  return open && { name: OPEN, sha256: open.sha256 };
}

/** Step 2: one session throughout, and it is the one asked for. */
function checkSessions(
  open: OpenStatement | undefined,
  close: CloseStatement | undefined,
  session: string | undefined,
  report: Report,
): void {
  for (const [name, statement] of [[OPEN, open] as const, [CLOSE, close] as const]) {
    if (statement === undefined || statement.session === session) continue;
    const message = `${name} names session ${statement.session}, expected ${printable(session ?? 'none')}`;
    report('session-mismatch', name, message);
  }
}

/** The keys that vouch for heads; undefined where one of them is none. */
function readKeys(open: OpenStatement, report: Report): VouchingKeys | undefined {
  const recorder = readKey(open.recorder);
  const journal = open.journal === undefined ? undefined : readKey(open.journal);
  if (recorder === undefined)
    report('recorder-invalid', OPEN, `the recorder key in ${OPEN} is not an Ed25519 public key`);
  if (open.journal !== undefined && journal === undefined)
    report('recorder-invalid', OPEN, `the journal key in ${OPEN} is not an Ed25519 public key`);
  const areKeys = recorder !== undefined && (open.journal === undefined || journal !== undefined);
  return areKeys ? { recorder, journal } : undefined;
}

/** Ed25519 in DER to the byte (RFC 8410), nothing else. */
function readKey(base64: string): KeyObject | undefined {
  const der = Buffer.from(base64, 'base64');
  try {
    const key = createPublicKey({ key: der, format: 'der', type: 'spki' });
    const exact = der.equals(key.export({ type: 'spki', format: 'der' }));
    return exact && key.asymmetricKeyType === 'ed25519' ? key : undefined;
  } catch {
    return undefined;
  }
}

/** Steps 2 and 6: what the close statement says about the other files. */
function checkClose(
  close: CloseStatement,
  open: Statement<OpenStatement> | undefined,
  chain: ChainResult,
  report: Report,
): void {
  if (open !== undefined && close.open !== open.sha256) {
    const message = `${CLOSE} belongs to an ${OPEN} with SHA-256 ${close.open}, but ${OPEN} has ${open.sha256}`;
    report('open-hash-mismatch', CLOSE, message);
  }
  const { last } = chain;
  if (last !== undefined && close.last !== last.sha256) {
    const message = `${CLOSE} ends with a file with SHA-256 ${close.last}, but ${last.name} has ${last.sha256}`;
    report('last-hash-mismatch', CLOSE, message);
  }
  if (!chain.whole) return;
  if (close.recordedUntil < chain.lastTimeUs) {
    const message = `${CLOSE} says that the recording goes up to ${close.recordedUntil} microseconds, but a frame is of ${chain.lastTimeUs}`;
    report('until-mismatch', CLOSE, message);
  }
  for (const total of ['frames', 'bytes'] as const) {
    if (close[total] === chain[total]) continue;
    const message = `${CLOSE} counts ${close[total]} ${total}, but the segments hold ${chain[total]}`;
    report('totals-mismatch', CLOSE, message);
  }
}

/** FORMAT.md, "Names": readers report any other name found beside these. */
function reportUnlisted(objects: Objects, report: Report): void {
  const statements = [OPEN, signatureName(OPEN), CLOSE, signatureName(CLOSE)];
  const known = new Set([...statements, SIGNER_KEY, LEDGER_PROOF, TASK_RESULT]);
  const others = [...objects.names].filter((name) => !known.has(name) && segmentNumber(name) === undefined);
  for (const name of others.sort())
    report('object-unlisted', name, `${printable(name)} does not belong in an evidence folder`);
}
