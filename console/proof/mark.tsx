import type { CheckState } from './checks.ts';

const MARKS: Readonly<Record<CheckState, string>> = {
  holds: 'M5 12.5l4.5 4.5L19 7.5',
  fails: 'M6 6l12 12M18 6L6 18',
  open: 'M6 12h12',
};

/** A tick, a cross, or a dash: beside a word that says the same. */
export function Mark({ state }: { readonly state: CheckState }) {
  return (
    <svg class={`mark ${state}`} viewBox="0 0 24 24" aria-hidden="true">
      <path d={MARKS[state]} />
    </svg>
  );
}
