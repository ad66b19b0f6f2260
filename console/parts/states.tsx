/** What is shown where there is nothing yet, nothing at all, or something went wrong: each says what to do next. */
import type { ComponentChildren } from 'preact';
import { hintHere } from '../api/hint-here.ts';
import { asProblem } from '../api/problem.ts';
import { shown } from './text.ts';

export function Loading({ what }: { readonly what: string }) {
  return (
    <p class="loading" role="status">
      Loading {what}…
    </p>
  );
}

interface EmptyProps {
  readonly title: string;
  /** What to do. */
  readonly children?: ComponentChildren;
}

export function Empty({ title, children }: EmptyProps) {
  return (
    <section class="empty">
      <h2>{title}</h2>
      {children}
    </section>
  );
}

interface FailureProps {
  readonly problem: unknown;
  readonly onRetry?: (() => void) | undefined;
}

export function Failure({ problem: thrown, onRetry }: FailureProps) {
  const problem = asProblem(thrown);
  return (
    <section class="failure" role="alert">
      <p>
        <strong>{shown(problem.message)}</strong>
      </p>
      {problem.hint !== undefined && <p>{shown(hintHere(problem.hint))}</p>}
      <p class="code">{shown(problem.code)}</p>
      {onRetry !== undefined && (
        <button type="button" onClick={onRetry}>
          Try again
        </button>
      )}
    </section>
  );
}
