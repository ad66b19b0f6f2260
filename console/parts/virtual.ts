/** Rows of one height, of which those in sight are in the page: a million scroll by the browser's own scrollbar. */
import type { RefObject } from 'preact';
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { type Layout, layoutOf, scrollFor } from './virtual-layout.ts';

export interface VirtualRows<Box extends HTMLElement = HTMLDivElement> extends Layout {
  /** Of the element that scrolls, which has `onScroll` too. */
  readonly box: RefObject<Box | null>;
  readonly onScroll: () => void;
  /** Pixels, as it was scrolled last. */
  readonly scroll: number;
  /** Scrolls as little as is needed. */
  readonly show: (index: number) => void;
}

export function useVirtualRows<Box extends HTMLElement = HTMLDivElement>(
  count: number,
  rowHeight: number,
): VirtualRows<Box> {
  const box = useRef<Box>(null);
  const [{ scroll, sight }, setPlace] = useState({ scroll: 0, sight: 600 });
  const onScroll = useCallback(() => {
    // What was drawn may be gone by the time that the browser tells of it.
    if (box.current === null) return;
    const { scrollTop, clientHeight } = box.current;
    setPlace((before) =>
      before.scroll === scrollTop && before.sight === clientHeight
        ? before
        : { scroll: scrollTop, sight: clientHeight },
    );
  }, []);
  useEffect(() => {
    if (box.current === null) return undefined;
    const watching = new ResizeObserver(onScroll);
    watching.observe(box.current);
    onScroll();
    return () => watching.disconnect();
  }, [onScroll]);
  const layout = layoutOf(count, rowHeight, sight, scroll);
  const show = useCallback(
    (index: number) => {
      const element = box.current;
      if (element !== null) element.scrollTop = scrollFor(index, count, rowHeight, element);
    },
    [count, rowHeight],
  );
  return { box, onScroll, show, scroll, ...layout };
}
