import type { EvidenceFacts, Verdict, VerifyReport } from '#core/recording/verify/verify.ts';
import { escapeTerminal } from '#core/replay/text.ts';
import { counted, facts, sizeText } from '../listing.ts';

/** What a verification found: facts, findings one a line, and the verdict last. */
export function reportLines({ verdict, findings, facts: found }: VerifyReport): string[] {
  return [
    ...(found === undefined ? [] : facts(described(found, verdict))),
    ...findings.map(({ code, message }) => escapeTerminal(`finding    ${code}: ${message}`)),
    `${verdict.toUpperCase()}  ${meaning(verdict, findings.length)}`,
  ];
}

/** How far a recording is complete is not said of one that is wrong. */
function described(found: EvidenceFacts, verdict: Verdict): Record<string, string | undefined> {
  const { principal, target } = found;
  const complete = found.completeness ?? `up to ${(found.recordedUntil / 1e6).toFixed(3)} s after the start`;
  return {
    session: found.session,
    who: principal.email ?? principal.subject,
    issuer: principal.issuer,
    target: `${target.name} (${target.protocol} at ${target.address})`,
    started: found.startedAt,
    ended: found.endedAt && `${found.endedAt}, ${found.reason}`,
    recording: `${counted(found.frames, 'frame')}, ${sizeText(found.bytes)} in ${counted(found.segments, 'segment')}`,
    complete: verdict === 'failed' ? undefined : complete,
    signer: found.signer,
    ledger: found.ledger && ledgerText(found.ledger),
  };
}

function ledgerText({ origin, size, opened, ended }: NonNullable<EvidenceFacts['ledger']>): string {
  const what = [opened ? 'opening' : undefined, ended ? 'end' : undefined].filter(
    (part) => part !== undefined,
  );
  return `${what.join(' and ')} proved under a checkpoint of ${counted(size, 'leaf', 'leaves')} of ${origin}`;
}

function meaning(verdict: Verdict, findings: number): string {
  if (verdict !== 'failed') return meanings[verdict];
  return `${counted(findings, 'finding')}: do not rely on this evidence`;
}

const meanings: Readonly<Record<Exclude<Verdict, 'failed'>, string>> = {
  verified: 'complete and unaltered, under a signer you trust',
  unanchored:
    "consistent, but whose signer is it? Give the key you trust, not the folder's own: --key signer.pem",
  incomplete: 'consistent so far, but never sealed: the session is live, or its gateway died',
};
