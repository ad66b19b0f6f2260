import { nameOf } from '#core/access/person.ts';
import { escapeTerminal } from '#core/replay/text.ts';
import type { RunFacts, RunVerdict, RunVerifyReport } from '#core/tasks/verify/verify-run.ts';
import { counted, facts } from '../listing.ts';

export const RUN_VERDICT_HELP = `Exit codes: 0 verified, 1 failed, 2 could not be checked, 3 consistent but no trusted signer or ledger was given,
4 consistent so far: a session is not sealed, a result not derived, or a step not in the ledger yet.
Verified says that the evidence is true, and not that every task kept its contract: that is said beside it.`;

/** What a verification found: facts, findings one a line, and the verdict last. */
export function runReportLines({ verdict, findings, facts: found }: RunVerifyReport): string[] {
  return [
    ...(found === undefined ? [] : factLines(found)),
    ...findings.map(({ code, message }) => escapeTerminal(`finding    ${code}: ${message}`)),
    `${verdict.toUpperCase()}  ${meaning(verdict, findings.length)}`,
  ];
}

function factLines({
  run,
  workflow,
  startedBy,
  startedAt,
  state,
  executions,
  ledger,
  untold,
}: RunFacts): string[] {
  const proved =
    ledger &&
    `${counted(ledger.leaves, 'leaf', 'leaves')} proved under a checkpoint of ${counted(ledger.size, 'leaf', 'leaves')} of ${ledger.origin}`;
  return [
    ...facts({
      run,
      workflow: `${workflow.name} ${workflow.digest}`,
      started: `${startedAt} by ${nameOf(startedBy)}`,
      state,
      ledger: proved,
    }),
    ...executions.map(
      ({ task, session, operator, verdict = 'not derived', commands = 0, deviations = 0, lineage }) => {
        const who = operator === undefined ? '' : ` by ${nameOf(operator)}`;
        const from =
          lineage === undefined || lineage.values === 0
            ? ''
            : `, ${lineage.found} of ${lineage.values} values from where they have to be`;
        return escapeTerminal(
          `task       ${task} ${verdict}: ${counted(commands, 'command')}, ${counted(deviations, 'deviation')}${from}${who}, session ${session}`,
        );
      },
    ),
    ...untold.map((sentence) => escapeTerminal(`untold     ${sentence}`)),
  ];
}

function meaning(verdict: RunVerdict, findings: number): string {
  if (verdict === 'failed') return `${counted(findings, 'finding')}: do not rely on this evidence`;
  return MEANINGS[verdict];
}

const MEANINGS: Readonly<Record<Exclude<RunVerdict, 'failed'>, string>> = {
  verified: 'complete and unaltered, every result derived again, under a signer and a ledger that you trust',
  unanchored:
    'consistent, but whose signer and whose ledger is it? Give those you trust: --key signer.pem --origin NAME',
  incomplete: 'consistent so far; not all of it is sealed, derived and in the ledger yet',
};
