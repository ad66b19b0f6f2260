import { fieldOf } from '../parts/form.ts';
import { useQuery } from '../parts/query.ts';

interface StepToolbarProps {
  readonly total: { readonly steps: number; readonly errors: number; readonly writes: number };
  readonly show: string;
  readonly kind: string | undefined;
  readonly onSeek: (at: string) => void;
}

/** Which steps are listed, and where to go. */
export function StepToolbar({ total, show, kind, onSeek }: StepToolbarProps) {
  const { with: changed, set } = useQuery();
  const choices = [
    { id: 'all', word: 'All', count: total.steps },
    { id: 'errors', word: 'Errors', count: total.errors },
    { id: 'writes', word: 'Writes', count: total.writes },
  ];
  return (
    <div class="step-toolbar">
      <nav class="segments" aria-label="Which steps">
        {choices.map(({ id, word, count }) => (
          <a
            key={id}
            href={changed({ show: id === 'all' ? undefined : id, kind: undefined })}
            aria-current={show === id && kind === undefined ? 'true' : undefined}
          >
            {word} <span class="count">{count.toLocaleString('en')}</span>
          </a>
        ))}
      </nav>
      <form
        class="step-place"
        onSubmit={(event) => {
          event.preventDefault();
          const place = fieldOf(event.currentTarget, 'place');
          if (/^\d+$/.test(place)) set({ step: place, show: undefined, kind: undefined });
          else if (place !== '') onSeek(place);
        }}
      >
        <input
          name="place"
          aria-label="Go to a step or a time"
          placeholder="Step, 90%, -12.5"
          autocomplete="off"
          title="The number of a step; a share of the time (90%); seconds from the end (-12.5)"
        />
        <button type="submit">Go</button>
      </form>
      <p class="hint step-keys">
        <kbd>n</kbd> <kbd>p</kbd> next, previous · <kbd>e</kbd> next error · <kbd>w</kbd> next write
      </p>
    </div>
  );
}
