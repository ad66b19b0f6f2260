import { useEffect, useRef, useState } from 'preact/hooks';
import { escapeTerminal } from '#core/replay/text.ts';
import { type Run, TerminalScreen, type TerminalTape } from './terminal-screen.ts';

/** A recorded terminal as it stood at a moment. */
export function TerminalView({ tape, now }: { readonly tape: TerminalTape; readonly now: number }) {
  const screen = useRef<TerminalScreen>(undefined);
  const turn = useRef(Promise.resolve());
  const wanted = useRef(now);
  const [lines, setLines] = useState<readonly (readonly Run[])[]>([]);
  useEffect(() => {
    screen.current = new TerminalScreen(tape);
    return () => screen.current?.dispose();
  }, [tape]);
  useEffect(() => {
    wanted.current = now;
    turn.current = turn.current.then(async () => {
      // Somebody has gone on meanwhile.
      if (wanted.current !== now) return;
      await screen.current!.seek(now);
      setLines(screen.current!.lines());
    });
  }, [tape, now]);
  return (
    <section aria-labelledby="terminal">
      <h2 id="terminal">Terminal</h2>
      {tape.isCut && (
        <p>
          Only the beginning of what it showed: save the evidence and use custody play --raw for all of it.
        </p>
      )}
      <pre class="terminal" tabIndex={0} aria-label="What the terminal showed">
        {lines.map((runs, row) => (
          <div key={row}>{runs.length === 0 ? ' ' : runs.map((run, at) => <Piece key={at} run={run} />)}</div>
        ))}
      </pre>
    </section>
  );
}

function Piece({ run: { text, color, background, bold, underline } }: { readonly run: Run }) {
  const style = {
    ...(color !== undefined && { color }),
    ...(background !== undefined && { background }),
    ...(bold && { fontWeight: 'bold' }),
    ...(underline && { textDecoration: 'underline' }),
  };
  return <span style={style}>{escapeTerminal(text)}</span>;
}
