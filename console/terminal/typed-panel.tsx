import { useState } from 'preact/hooks';
import { shown } from '../parts/text.ts';
import type { Playback } from './playback.ts';
import type { Tape } from './tape.ts';

interface TypedPanelProps {
  readonly tape: Tape;
  readonly playback: Playback;
}

const SHOWN_MAX = 2_000;

/** What was typed, behind a warning: no screen may have shown it. */
export function TypedPanel({ tape, playback }: TypedPanelProps) {
  const [isSure, setSure] = useState(false);
  if (isSure) return <Typed tape={tape} playback={playback} />;
  return (
    <div class="typed" role="alert">
      <p>
        <strong>What was typed may hold passwords</strong> that the terminal did not show. Look around before
        you show it.
      </p>
      <button type="button" onClick={() => setSure(true)}>
        Show what was typed
      </button>
    </div>
  );
}

function Typed({ tape, playback }: TypedPanelProps) {
  const text = typedUntil(tape, playback.now.value);
  return (
    <div class="typed">
      <h2>Typed up to this moment</h2>
      <pre tabIndex={0} role="region" aria-label="Typed up to this moment">
        {text === '' ? 'nothing yet' : shown(text)}
      </pre>
    </div>
  );
}

/** The last of it. */
function typedUntil({ inputs }: Tape, us: number): string {
  const decoder = new TextDecoder();
  const pieces: string[] = [];
  let length = 0;
  for (let at = inputs.findLastIndex((input) => input.at <= us); at >= 0 && length < SHOWN_MAX; at -= 1) {
    const piece = decoder.decode(inputs[at]!.bytes);
    pieces.push(piece);
    length += piece.length;
  }
  return pieces.reverse().join('').slice(-SHOWN_MAX);
}
