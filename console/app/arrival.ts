/** What reading aloud and the keyboard need when another page is shown: its heading has the focus, and is read. */

const HANDS = ['keydown', 'pointerdown'] as const;

/**
 * Focuses the heading, or `main` until there is one; again where the page draws another in its place, as what it shows has
 * come. Whoever goes on meanwhile is left alone. What it returns ends it.
 */
export function arrive(main: HTMLElement): () => void {
  if (!focusHeading(main)) main.focus({ preventScroll: true });
  const watching = new MutationObserver(() => {
    const { activeElement } = document;
    if (activeElement === main || activeElement === document.body) focusHeading(main);
  });
  watching.observe(main, { childList: true, subtree: true });
  const stop = (): void => {
    watching.disconnect();
    for (const hand of HANDS) removeEventListener(hand, stop, true);
  };
  for (const hand of HANDS) addEventListener(hand, stop, true);
  return stop;
}

function focusHeading(main: HTMLElement): boolean {
  const heading = main.querySelector('h1');
  if (heading === null) return false;
  heading.tabIndex = -1;
  heading.focus({ preventScroll: true });
  return true;
}
