import type { CloseStatement, OpenStatement } from '../format.ts';
import type { ChainResult } from './chain.ts';
import type { LedgerFacts } from './ledger-proof.ts';
import type { EvidenceFacts } from './report.ts';

export interface Statements {
  readonly open: OpenStatement;
  /** Undefined where it is missing, or something speaks against it. */
  readonly close: CloseStatement | undefined;
  readonly hasClose: boolean;
}

/** What the evidence says about itself, beside what was counted in it. */
export function gatherFacts(
  { open, close, hasClose }: Statements,
  chain: ChainResult,
  signer: string | undefined,
  ledger: LedgerFacts | undefined,
): EvidenceFacts {
  const { issuer, issuerName, subject, email, actors, leeway } = open.principal;
  const recordedUntil = close?.recordedUntil ?? chain.lastHead?.until ?? 0;
  const isDoubted = hasClose && close === undefined;
  const completeness = isDoubted ? undefined : describeCompleteness(open, close, recordedUntil);
  return {
    session: open.session,
    principal: {
      issuer,
      ...(issuerName !== undefined && { issuerName }),
      subject,
      email,
      ...(actors !== undefined && { actors }),
      ...(leeway !== undefined && { leeway }),
    },
    target: open.target,
    startedAt: open.startedAt,
    ...(close && { endedAt: close.endedAt, reason: close.reason }),
    recovered: close?.recovered ?? false,
    segments: chain.segments,
    frames: chain.frames,
    bytes: chain.bytes,
    recordedUntil,
    ...(signer !== undefined && { signer }),
    ...(completeness !== undefined && { completeness }),
    ...(ledger !== undefined && { ledger }),
  };
}

function describeCompleteness(
  open: OpenStatement,
  close: CloseStatement | undefined,
  recordedUntil: number,
): string | undefined {
  if (close?.recovered === false) return undefined;
  const at = new Date(Date.parse(open.startedAt) + recordedUntil / 1000).toISOString();
  const until = `${at} (${(recordedUntil / 1e6).toFixed(6)} s after the start)`;
  if (close === undefined) return `No close statement: the segments here are complete up to ${until}.`;
  const { mode, windowMs } = open.durability;
  const missing =
    mode === 'write-ahead'
      ? `nothing that the client sent to the target after that is missing, of the target's answers at most ${windowMs} ms.`
      : `at most the ${windowMs} ms after that may be missing.`;
  return `The gateway died: the recording is complete up to ${until}, and ${missing}`;
}
