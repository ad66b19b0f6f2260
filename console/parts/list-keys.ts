import type { RefObject } from 'preact';
import { useRef } from 'preact/hooks';
import { useKeys } from './keys.ts';

/** What j and k go through: the link of each row. */
const ITEMS = '[data-item]';

/**
 * `j` and `k` move the focus through the links (or buttons) with `data-item` in the element that the ref is given to; Enter
 * opens the one it is at, as links do by themselves.
 */
export function useListKeys<Found extends HTMLElement = HTMLElement>(): RefObject<Found | null> {
  const list = useRef<Found>(null);
  const move = (by: 1 | -1) => (): void => {
    const items = [...(list.current?.querySelectorAll<HTMLElement>(ITEMS) ?? [])];
    const at = items.findIndex((item) => item.contains(document.activeElement));
    const next = at === -1 ? (by === 1 ? 0 : items.length - 1) : at + by;
    const item = items[Math.min(Math.max(next, 0), items.length - 1)];
    item?.focus();
    item?.scrollIntoView({ block: 'nearest' });
  };
  useKeys([
    { key: 'j', does: 'Next in the list; Enter opens it', run: move(1) },
    { key: 'k', does: 'The one before', run: move(-1) },
  ]);
  return list;
}
