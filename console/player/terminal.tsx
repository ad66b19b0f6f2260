import { useEffect, useRef, useState } from 'preact/hooks';
import type { Row } from '../terminal/rows.ts';
import { ScreenView } from '../terminal/screen-view.tsx';
import type { Tape } from '../terminal/tape.ts';
import { TapeScreen } from '../terminal/tape-screen.ts';

/** A recorded terminal as it stood at a moment. */
export function TerminalView({ tape, now }: { readonly tape: Tape; readonly now: number }) {
  const screen = useRef<TapeScreen>(undefined);
  const turn = useRef(Promise.resolve());
  const wanted = useRef(now);
  const [rows, setRows] = useState<readonly Row[]>([]);
  useEffect(() => {
    screen.current = new TapeScreen(tape);
    return () => screen.current?.dispose();
  }, [tape]);
  useEffect(() => {
    wanted.current = now;
    turn.current = turn.current.then(async () => {
      // Somebody has gone on meanwhile.
      if (wanted.current !== now) return;
      await screen.current!.seek(now, () => wanted.current === now);
      setRows(screen.current!.rows());
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
      <ScreenView rows={rows} columns={screen.current?.columns ?? 80} scheme="dark" />
    </section>
  );
}
