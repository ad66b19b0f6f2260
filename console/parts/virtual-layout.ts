/** Where rows of one height are in a box that scrolls. */

/** Browsers draw no element that is higher. Beyond, the scrollbar stands for a share of the rows. */
const HEIGHT_MAX = 12_000_000;
const BEYOND_SIGHT = 8;

export interface Layout {
  /** From 0; `last` is drawn as well. With none there, `last` is before `first`. */
  readonly first: number;
  readonly last: number;
  /** How many fit into sight. */
  readonly visible: number;
  /** Of all of them, and where the first that is drawn stands in it. */
  readonly height: number;
  readonly top: number;
  readonly isAtEnd: boolean;
}

/** What is drawn where, `scroll` pixels down in a box of `sight` pixels. */
export function layoutOf(count: number, rowHeight: number, sight: number, scroll: number): Layout {
  const visible = Math.max(1, Math.floor(sight / rowHeight));
  const whole = count * rowHeight;
  const height = Math.min(HEIGHT_MAX, whole);
  const room = Math.max(0, height - sight);
  const place = Math.min(Math.max(0, scroll), room);
  const pixels = room === 0 ? 0 : (place / room) * (whole - sight);
  const begin = Math.floor(pixels / rowHeight);
  const first = Math.max(0, begin - BEYOND_SIGHT);
  const last = Math.min(count - 1, begin + visible + 1 + BEYOND_SIGHT);
  const top = place - (pixels - first * rowHeight);
  return { first, last, visible, height, top, isAtEnd: place >= room - rowHeight };
}

interface Box {
  readonly scrollTop: number;
  readonly clientHeight: number;
}

/** Where to scroll so that a row is in sight; stays where it is already. */
export function scrollFor(index: number, count: number, rowHeight: number, box: Box): number {
  const whole = count * rowHeight;
  const { clientHeight: sight, scrollTop } = box;
  const room = Math.max(0, Math.min(HEIGHT_MAX, whole) - sight);
  if (room === 0) return 0;
  const scale = (whole - sight) / room;
  const begin = scrollTop * scale;
  const from = index * rowHeight;
  const to = from + rowHeight;
  if (from >= begin && to <= begin + sight) return scrollTop;
  const wanted = from < begin ? from - sight / 3 : to - (2 * sight) / 3;
  return Math.min(room, Math.max(0, wanted / scale));
}
