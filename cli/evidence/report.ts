import { nameOf } from '#core/access/person.ts';
import type { EvidenceFacts, Verdict, VerifyReport } from '#core/recording/verify/verify.ts';
import { escapeTerminal } from '#core/replay/text.ts';
import { accountText, counted, facts, sizeText } from '../listing.ts';

type Facts = Readonly<Record<string, string | undefined>>;

/** The exit code where nothing could be checked; 1 is for evidence that is wrong. */
export const NOT_CHECKED = 2;
export const VERDICT_CODES: Readonly<Record<Verdict, number>> = {
  verified: 0,
  failed: 1,
  unanchored: 3,
  incomplete: 4,
};
export const VERDICT_HELP = `Exit codes: 0 verified, 1 failed, 2 could not be checked, 3 consistent but no trusted signer was given,
4 consistent so far but never sealed.`;

/** What a verification found: facts, findings one a line, and the verdict last. */
export function reportLines(report: VerifyReport): string[] {
  const { facts: found, verdict } = report;
  const whose = found === undefined ? {} : sessionFacts(found);
  return [
    ...(found === undefined ? [] : facts({ ...whose, ...recordingFacts(found, verdict) })),
    ...endOf(report),
  ];
}

/** The same without what its session is. */
export function verdictLines(report: VerifyReport): string[] {
  const { facts: found, verdict } = report;
  return [...(found === undefined ? [] : facts(recordingFacts(found, verdict))), ...endOf(report)];
}

function endOf({ verdict, findings }: VerifyReport): string[] {
  return [
    ...findings.map(({ code, message }) => escapeTerminal(`finding    ${code}: ${message}`)),
    `${verdict.toUpperCase()}  ${meaning(verdict, findings.length)}`,
  ];
}

function sessionFacts({ session, principal, target, startedAt }: EvidenceFacts): Facts {
  return {
    session,
    who: nameOf(principal),
    issuer: principal.issuer,
    actor: principal.actors?.map(accountText).join(', for '),
    leeway:
      principal.leeway === undefined ? undefined : `the token was ${principal.leeway} s out of its time`,
    target: `${target.name} (${target.protocol} at ${target.address})`,
    started: startedAt,
  };
}

/** How far a recording is complete is not said of one that is wrong. */
function recordingFacts(found: EvidenceFacts, verdict: Verdict): Facts {
  const complete = found.completeness ?? `up to ${(found.recordedUntil / 1e6).toFixed(3)} s after the start`;
  return {
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
