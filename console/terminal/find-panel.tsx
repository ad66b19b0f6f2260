import { useEffect, useRef, useState } from 'preact/hooks';
import { shown } from '../parts/text.ts';
import { findInOutput, type Hit, HITS_MAX } from './find.ts';
import { clockText } from './moments.ts';
import type { Playback } from './playback.ts';
import type { Tape } from './tape.ts';

interface FindPanelProps {
  readonly tape: Tape;
  readonly playback: Playback;
  readonly onClose: () => void;
}

interface Search {
  readonly hits: readonly Hit[];
  readonly status: string;
}

const NOTHING: Search = { hits: [], status: '' };
const TYPING_MS = 250;
const SHORTEST = 2;
/** As many stand in the page. */
const LISTED = 200;

/** Text that was put out, with the moments at which it was. */
export function FindPanel({ tape, playback, onClose }: FindPanelProps) {
  const [text, setText] = useState('');
  const { hits, status } = useSearch(tape, text);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus(), []);
  return (
    <div class="find" role="search" aria-label="In the output">
      <label>
        Find in the output
        <input
          ref={field}
          type="search"
          value={text}
          spellcheck={false}
          onInput={(event) => setText(event.currentTarget.value)}
          onKeyDown={(event) => event.key === 'Escape' && onClose()}
        />
      </label>
      <p role="status" class="hint">
        {status}
      </p>
      <ol class="hits">
        {hits.slice(0, LISTED).map((hit, at) => (
          <li key={at}>
            <button type="button" class="quiet" onClick={() => playback.seek(hit.at)}>
              <span class="hint">{clockText(hit.at)}</span>
              <code>
                {shown(hit.before)}
                <mark>{shown(hit.text)}</mark>
                {shown(hit.after)}
              </code>
            </button>
          </li>
        ))}
      </ol>
      <button type="button" class="quiet" onClick={onClose}>
        Close
      </button>
    </div>
  );
}

function useSearch(tape: Tape, text: string): Search {
  const [search, setSearch] = useState(NOTHING);
  useEffect(() => {
    setSearch(NOTHING);
    if (text.length < SHORTEST) return undefined;
    let isWanted = true;
    const progress = (share: number): void => {
      if (isWanted) setSearch({ hits: [], status: `searching: ${Math.round(share * 100)} %` });
    };
    const timer = setTimeout(() => {
      void findInOutput(tape, text, () => isWanted, progress).then((hits) => {
        if (isWanted) setSearch({ hits, status: statusOf(hits.length) });
      });
    }, TYPING_MS);
    return () => {
      isWanted = false;
      clearTimeout(timer);
    };
  }, [tape, text]);
  return search;
}

function statusOf(count: number): string {
  if (count === 0) return 'not found: programs that draw the whole screen may write words in parts';
  const many =
    count >= HITS_MAX ? `more than ${HITS_MAX - 1} times` : count === 1 ? 'once' : `${count} times`;
  return `found ${many}${count > LISTED ? `, the first ${LISTED} are listed` : ''}`;
}
