import { useAnswer } from '../parts/answer.ts';
import { useQuery } from '../parts/query.ts';
import { shown } from '../parts/text.ts';
import { useSessionsApi } from './context.ts';
import { counted } from './words.ts';

/** Lines that are shown before somebody asks for all. */
const FEW = 6;

interface Line {
  readonly text: string;
  readonly step?: number | undefined;
}

/** What it came to, unusual things first; each line leads to its step. Nothing is shown where there is no summary yet. */
export function Summary({ session }: { readonly session: string }) {
  const api = useSessionsApi();
  const { value } = useAnswer((signal) => api.summary(session, signal), [session]);
  if (value === undefined) return null;
  const { unusual, lines, compared } = value;
  return (
    <section class="card summary" aria-label="Summary">
      {unusual.length > 0 && (
        <>
          <h2>Unusual</h2>
          <FirstLines lines={unusual} class="unusual" />
          <p class="hint">
            Compared with {counted(compared.sessions, 'session')} of the same person here before.
          </p>
        </>
      )}
      <h2>What it came to</h2>
      <FirstLines lines={lines} />
    </section>
  );
}

interface LinesProps {
  readonly lines: readonly Line[];
  readonly class?: string;
}

/** A few of them, and the others for who asks. */
function FirstLines({ lines, class: more = '' }: LinesProps) {
  return (
    <>
      <Lines lines={lines.slice(0, FEW)} class={more} />
      {lines.length > FEW && (
        <details>
          <summary>{counted(lines.length - FEW, 'more line')}</summary>
          <Lines lines={lines.slice(FEW)} class={more} />
        </details>
      )}
    </>
  );
}

function Lines({ lines, class: more = '' }: LinesProps) {
  const { with: changed } = useQuery();
  return (
    <ul class={`lines ${more}`}>
      {lines.map(({ text, step }, at) => (
        <li key={at}>
          {step === undefined ? shown(text) : <a href={changed({ step: String(step) })}>{shown(text)}</a>}
        </li>
      ))}
    </ul>
  );
}
