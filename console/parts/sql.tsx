import { useEffect, useState } from 'preact/hooks';
import type { SqlToken } from './sql-tokens.ts';
import { shownLines } from './text.ts';

interface SqlProps {
  readonly text: string;
  /** Where it stands among words, in one line. */
  readonly isInline?: boolean;
  /** For who listens. */
  readonly label?: string;
}

/** SQL with its words told apart by colour: text nodes alone, and the text is there before the colours are. */
export function Sql({ text, isInline = false, label = 'SQL' }: SqlProps) {
  const tokens = useTokens(shownLines(text));
  const pieces = tokens.map(({ kind, text: piece }, at) =>
    kind === 'plain' ? (
      piece
    ) : (
      <span key={at} class={`sql-${kind}`}>
        {piece}
      </span>
    ),
  );
  if (isInline) return <code class="sql">{pieces}</code>;
  return (
    <pre class="sql" tabIndex={0} role="region" aria-label={label}>
      <code>{pieces}</code>
    </pre>
  );
}

/** Whoever cuts it up is loaded when something is to be cut up. */
function useTokens(text: string): readonly SqlToken[] {
  const [cut, setCut] = useState<{ readonly of: string; readonly tokens: readonly SqlToken[] }>();
  useEffect(() => {
    let isWanted = true;
    import('./sql-tokens.ts')
      .then(({ sqlTokens }) => isWanted && setCut({ of: text, tokens: sqlTokens(text) }))
      .catch(() => undefined);
    return () => {
      isWanted = false;
    };
  }, [text]);
  return cut?.of === text ? cut.tokens : [{ kind: 'plain', text }];
}
