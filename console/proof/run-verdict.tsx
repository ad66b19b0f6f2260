/** What a run's verification came to: the verdict, each finding by its name, and what its evidence says. */
import type { RunFacts, RunVerdict, RunVerifyReport } from '#core/tasks/verify/verify-run.ts';
import { personText } from '../parts/person-text.ts';
import { shown } from '../parts/text.ts';
import type { CheckState } from './checks.ts';
import { Findings } from './findings.tsx';
import { Mark } from './mark.tsx';

const VERDICTS: Readonly<
  Record<RunVerdict, { readonly word: string; readonly meaning: string; readonly tone: CheckState }>
> = {
  verified: {
    word: 'Verified',
    meaning:
      'Complete and unaltered, every result derived again, signed by the key and in the ledger that you pinned. Whether each task kept its contract is said below.',
    tone: 'holds',
  },
  unanchored: {
    word: 'Consistent, not yet proof',
    meaning:
      'Nothing contradicts it. But whose key is it? Compare the fingerprint below with the operator’s, and pin it.',
    tone: 'open',
  },
  incomplete: {
    word: 'Incomplete',
    meaning: 'Consistent so far; not all of it is sealed, derived and in the ledger yet. Verify again later.',
    tone: 'open',
  },
  failed: {
    word: 'Failed',
    meaning: 'Something contradicts it. Do not rely on this evidence.',
    tone: 'fails',
  },
};

interface RunVerdictProps {
  readonly report: RunVerifyReport;
  readonly onAgain: () => void;
}

export function RunVerdictCard({ report, onAgain }: RunVerdictProps) {
  const { word, meaning, tone } = VERDICTS[report.verdict];
  return (
    <>
      <section class={`card verdict ${tone}`} aria-labelledby="run-verdict">
        <h2 id="run-verdict">
          <Mark state={tone} /> {word}
        </h2>
        <p>{meaning}</p>
        <button type="button" onClick={onAgain}>
          Verify again
        </button>
      </section>
      <Findings findings={report.findings} />
      {report.facts !== undefined && <Executions facts={report.facts} />}
    </>
  );
}

function Executions({ facts: { executions, ledger, untold } }: { readonly facts: RunFacts }) {
  return (
    <section class="card" aria-labelledby="run-executions">
      <h2 id="run-executions">What was derived again</h2>
      <div class="scroll-x" tabIndex={0} role="region" aria-label="Results, task by task">
        <table class="derived">
          <thead>
            <tr>
              <th scope="col">Task</th>
              <th scope="col">Result</th>
              <th scope="col">Commands</th>
              <th scope="col">Departures</th>
              <th scope="col">Values from where they have to be</th>
              <th scope="col">Who</th>
            </tr>
          </thead>
          <tbody>
            {executions.map((one) => (
              <Execution key={one.session} execution={one} />
            ))}
          </tbody>
        </table>
      </div>
      {ledger !== undefined && (
        <p>
          {ledger.leaves} leaves of it are proved under a checkpoint of {ledger.size} leaves of{' '}
          {shown(ledger.origin)}.
        </p>
      )}
      {untold.map((sentence) => (
        <p key={sentence} class="hint">
          Not told by the evidence: {shown(sentence)}
        </p>
      ))}
    </section>
  );
}

type One = RunFacts['executions'][number];

function Execution({
  execution: { task, session, operator, verdict, commands, deviations, lineage },
}: {
  readonly execution: One;
}) {
  return (
    <tr>
      <th scope="row">
        <a href={`/sessions/${session}/proof`}>{shown(task)}</a>
      </th>
      <td>{verdict ?? 'not derived'}</td>
      <td>{commands ?? '–'}</td>
      <td>{deviations ?? '–'}</td>
      <td>{lineage === undefined ? '–' : `${lineage.found} of ${lineage.values}`}</td>
      <td>{operator === undefined ? '–' : personText(operator)}</td>
    </tr>
  );
}
