/** Back and forward lead to where one was on the page: what it shows may come later than the page. */
import { useEffect } from 'preact/hooks';

const HANDS = ['wheel', 'touchstart', 'keydown', 'pointerdown'] as const;

export function useScrollMemory(): void {
  useEffect(() => {
    history.scrollRestoration = 'manual';
    const memory = new ScrollMemory(document.body);
    return () => memory.stop();
  }, []);
}

class ScrollMemory {
  readonly #places = new Map<string, number>();
  readonly #growing: ResizeObserver;
  readonly #stopping = new AbortController();
  /** Where to go, for as long as the page is too short for it. */
  #wanted: number | undefined;

  constructor(body: HTMLElement) {
    this.#growing = new ResizeObserver(() => this.#go());
    this.#growing.observe(body);
    const options = { signal: this.#stopping.signal, passive: true };
    addEventListener('scroll', () => this.#keep(), options);
    addEventListener('popstate', () => this.#want(this.#places.get(here()) ?? 0), options);
    for (const hand of HANDS) addEventListener(hand, () => this.#want(undefined), options);
  }

  stop(): void {
    this.#stopping.abort();
    this.#growing.disconnect();
  }

  /** The page that is left is shorter at once: that is no scrolling. */
  #keep(): void {
    if (this.#wanted === undefined) this.#places.set(here(), scrollY);
  }

  #want(place: number | undefined): void {
    this.#wanted = place;
    requestAnimationFrame(() => this.#go());
  }

  #go(): void {
    if (this.#wanted === undefined) return;
    scrollTo(0, this.#wanted);
    if (Math.abs(scrollY - this.#wanted) < 2) this.#wanted = undefined;
  }
}

function here(): string {
  return location.pathname + location.search;
}
