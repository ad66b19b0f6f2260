import { shown } from '../../parts/text.ts';
import type { Opinion } from './opinion.ts';

/** While it is computed, that it is. */
export function OpinionWords({ opinion }: { readonly opinion: Opinion | undefined }) {
  if (opinion === undefined) return <p class="hint">comparing…</p>;
  const { tone, word, text } = opinion;
  return (
    <p role={tone === 'bad' ? 'alert' : undefined}>
      <span class={`badge ${tone}`}>{word}</span> {shown(text)}
    </p>
  );
}
