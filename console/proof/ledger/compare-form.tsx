import { useState } from 'preact/hooks';
import { type LedgerPorts, type Opinion, opinionOf } from './opinion.ts';
import { OpinionWords } from './opinion-words.tsx';

/** A checkpoint from elsewhere: a file, another browser, a colleague, `custody ledger witness`. */
export function CompareForm(ports: LedgerPorts) {
  const [text, setText] = useState('');
  const [opinion, setOpinion] = useState<Opinion | 'comparing'>();
  const compare = async (note: string): Promise<void> => {
    setOpinion('comparing');
    setOpinion(await opinionOf(asNote(note), ports));
  };
  const take = async (file: File | undefined): Promise<void> => {
    if (file === undefined) return;
    const note = await file.slice(0, 1 << 16).text();
    setText(note);
    await compare(note);
  };
  return (
    <section class="card half" aria-labelledby="compare">
      <h2 id="compare">Compare a checkpoint</h2>
      <p>One that was kept elsewhere: as a file, in another browser, or by custody ledger witness.</p>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void compare(text);
        }}
      >
        <label>
          A file
          <input type="file" onChange={(event) => void take(event.currentTarget.files?.[0])} />
        </label>
        <label>
          Or its text
          <textarea
            rows={5}
            spellcheck={false}
            class="mono"
            value={text}
            onInput={(event) => setText(event.currentTarget.value)}
          />
        </label>
        <button type="submit" disabled={text.trim() === ''}>
          Compare with the newest
        </button>
      </form>
      <div aria-live="polite">
        {opinion !== undefined && <OpinionWords opinion={opinion === 'comparing' ? undefined : opinion} />}
      </div>
    </section>
  );
}

/** As pasting leaves it: a note ends in one line feed. */
function asNote(text: string): string {
  return `${text.replaceAll('\r', '').trim()}\n`;
}
