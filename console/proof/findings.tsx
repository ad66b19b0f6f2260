import { shown } from '../parts/text.ts';

interface FindingsProps {
  readonly findings: readonly { readonly code: string; readonly object: string; readonly message: string }[];
  /** By their names, what they mean; where a message says it already, there is none. */
  readonly meanings?: Readonly<Record<string, string>>;
}

/** Each by its name, as the command line says it. Nothing where there are none. */
export function Findings({ findings, meanings }: FindingsProps) {
  if (findings.length === 0) return null;
  return (
    <section class="card findings" aria-labelledby="findings">
      <h2 id="findings">{findings.length === 1 ? 'One finding' : `${findings.length} findings`}</h2>
      <ul>
        {findings.map(({ code, object, message }) => (
          <li key={`${code} ${object} ${message}`}>
            <p>
              <code class="finding">{code}</code> <span class="object mono">{shown(object)}</span>
            </p>
            <p>{shown(message)}</p>
            {meanings !== undefined && <p class="hint">{meanings[code]}</p>}
          </li>
        ))}
      </ul>
    </section>
  );
}
