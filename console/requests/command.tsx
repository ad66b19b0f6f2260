import { Sql } from '../parts/sql.tsx';
import { shownLines } from '../parts/text.ts';

interface CommandProps {
  readonly text: string;
  /** Of the target, where it is known. */
  readonly protocol: string | undefined;
  readonly label: string;
}

/** A command as reviewers decide about it: all of it, and what cannot be seen made visible. */
export function Command({ text, protocol, label }: CommandProps) {
  return (
    <>
      {hidesSomething(text) && (
        <p class="command-warning">
          <span class="badge bad">Hidden characters</span> It holds characters that cannot be seen, or that
          change how text reads; they stand here as escapes.
        </p>
      )}
      {protocol === 'postgres' ? (
        <Sql text={text} label={label} />
      ) : (
        <pre tabIndex={0} role="region" aria-label={label}>
          {shownLines(text)}
        </pre>
      )}
    </>
  );
}

export function hidesSomething(text: string): boolean {
  return shownLines(text) !== text.replaceAll('\r\n', '\n');
}
