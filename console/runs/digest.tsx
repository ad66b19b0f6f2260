import { Copy } from '../parts/copy.tsx';

/** Enough of it to compare by eye; the whole when copied. */
export function Digest({ hex, what }: { readonly hex: string; readonly what: string }) {
  return (
    <span class="run-digest">
      <code title={hex}>{hex.slice(0, 12)}…</code>
      <Copy text={hex} what={what} />
    </span>
  );
}
