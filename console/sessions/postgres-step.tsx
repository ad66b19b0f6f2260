import { Copy } from '../parts/copy.tsx';
import { Sql } from '../parts/sql.tsx';
import { shown, shownLines } from '../parts/text.ts';
import type { Row, Step, Value } from '../api/sessions.ts';
import type { Session } from '../api/types.ts';
import { ResultTable } from './result-table.tsx';
import { SpokenStep } from './spoken-step.tsx';
import { bytesText, counted } from './words.ts';

interface Report {
  readonly severity: string;
  readonly sqlstate: string;
  readonly message: string;
  readonly detail?: string;
  readonly hint?: string;
  readonly position?: string;
  readonly where?: string;
}

interface Postgres {
  readonly statement?: Value;
  readonly runs?: Value;
  readonly doubt?: string;
  readonly name?: string;
  readonly values?: readonly (Value | null)[];
  readonly columns?: readonly { readonly name: string; readonly type: number }[];
  readonly rows?: readonly Row[];
  readonly rowCount?: number;
  readonly tag?: string;
  readonly error?: Report;
  readonly notices?: readonly Report[];
  readonly noticesLeftOut?: number;
  readonly transaction?: string;
  readonly copy?: { readonly format: string; readonly bytes: number; readonly sample: Value };
  readonly bytes?: { readonly client: number; readonly server: number };
}

interface PostgresStepProps {
  readonly session: Session;
  readonly step: Step;
}

/** A statement with its values, what came back, and what the server said. */
export function PostgresStep({ session, step: given }: PostgresStepProps) {
  const step = given as Step & Postgres;
  const { statement, runs, doubt, values = [], error, notices = [], columns, copy } = step;
  if (statement === undefined) return <SpokenStep protocol="postgres" step={step} />;
  return (
    <>
      {error !== undefined && <ReportCard report={error} isError />}
      <Statement value={statement} what="statement" />
      {runs !== undefined && (
        <>
          <h3>What the name stands for</h3>
          <Statement value={runs} what="what it runs" />
        </>
      )}
      {doubt !== undefined && <p class="badge warn doubt">{shown(doubt)}</p>}
      {values.length > 0 && <BindValues values={values} />}
      <Outcome step={step} />
      {notices.map((notice, at) => (
        <ReportCard key={at} report={notice} />
      ))}
      {(step.noticesLeftOut ?? 0) > 0 && <p class="hint">{counted(step.noticesLeftOut!, 'more notice')}</p>}
      {columns !== undefined && (
        <ResultTable session={session.id} step={step} isWhole={session.state !== 'open'} />
      )}
      {copy !== undefined && <CopyData copy={copy} />}
    </>
  );
}

function Statement({ value, what }: { readonly value: Value; readonly what: string }) {
  return (
    <div class="statement">
      <Sql text={value.text} label={what} />
      <Copy text={value.text} what={what} />
      {value.cut && (
        <p class="hint">
          The first {bytesText(value.text.length)} of {bytesText(value.bytes)}; the export as a script has all
          of it.
        </p>
      )}
    </div>
  );
}

function BindValues({ values }: { readonly values: readonly (Value | null)[] }) {
  return (
    <section>
      <h3>Values</h3>
      <dl class="facts bind-values">
        {values.map((value, at) => (
          <div key={at}>
            <dt>${at + 1}</dt>
            <dd class={value === null ? 'null' : ''}>
              {value === null ? 'NULL' : shownLines(value.text)}
              {value?.cut === true && <small> … {bytesText(value.bytes)}</small>}
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

function Outcome({ step: { outcome, tag, transaction, bytes, name } }: { readonly step: Step & Postgres }) {
  const parts = [
    tag ?? outcome,
    name === undefined || name === '' ? undefined : `prepared as ${name}`,
    transaction === undefined ? undefined : `in a transaction that is ${transaction}`,
    bytes === undefined ? undefined : `${bytesText(bytes.client)} sent, ${bytesText(bytes.server)} back`,
  ].filter((part) => part !== undefined);
  return <p class="outcome">{shown(parts.join(' · '))}</p>;
}

function ReportCard({ report, isError = false }: { readonly report: Report; readonly isError?: boolean }) {
  const { severity, sqlstate, message, detail, hint, position, where } = report;
  const more = { Detail: detail, Hint: hint, 'At character': position, Where: where };
  return (
    <section class={isError ? 'report error' : 'report'} aria-label={isError ? 'Error' : 'Notice'}>
      <p>
        <strong>{shownLines(message)}</strong>
      </p>
      <p class="code">
        {shown(severity)} {shown(sqlstate)}
      </p>
      {Object.entries(more).map(
        ([word, text]) =>
          text !== undefined && (
            <p key={word}>
              {word}: {shownLines(text)}
            </p>
          ),
      )}
    </section>
  );
}

function CopyData({ copy: { format, bytes, sample } }: { readonly copy: NonNullable<Postgres['copy']> }) {
  return (
    <section>
      <h3>Data of the COPY</h3>
      <p class="hint">
        {bytesText(bytes)}, {format}
        {sample.cut && `, the first ${bytesText(sample.text.length)} of it`}
      </p>
      <pre tabIndex={0}>{shownLines(sample.text)}</pre>
    </section>
  );
}
