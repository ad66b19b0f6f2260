import { shown } from '../parts/text.ts';
import type { Finding } from './findings.ts';

/** The verdict is read out when it changes, and not with every look. */
export function Findings({ findings }: { readonly findings: readonly Finding[] }) {
  return (
    <section class="gateway-verdict" aria-live="polite" aria-label="What is wrong">
      {findings.length === 0 ? <AllIsWell /> : <Wrong findings={findings} />}
    </section>
  );
}

function AllIsWell() {
  return (
    <p class="all-well">
      <Mark path="M5 12.5l4.5 4.5L19 7.5" /> <strong>All is well</strong>
    </p>
  );
}

function Wrong({ findings }: { readonly findings: readonly Finding[] }) {
  return (
    <ul class="findings">
      {findings.map(({ severity, title, doing, at }) => (
        <li key={title} class={`finding ${severity}`}>
          <Mark path="M12 4.5v9M12 18v1.5" />
          <div>
            <strong>
              <a href={`#${at}`}>{shown(title)}</a>
            </strong>
            <p>{doing}</p>
          </div>
        </li>
      ))}
    </ul>
  );
}

function Mark({ path }: { readonly path: string }) {
  return (
    <svg class="mark" viewBox="0 0 24 24" aria-hidden="true">
      <path d={path} />
    </svg>
  );
}
