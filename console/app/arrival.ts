/** What reading aloud and the keyboard need when another page is shown: its heading has the focus, and is read. */

/** The heading, or `main` until there is one. */
export function arrive(main: HTMLElement): () => void {
  if (focusHeading(main)) return () => undefined;
  main.focus({ preventScroll: true });
  const watching = new MutationObserver(() => {
    // Whoever went on meanwhile is left alone.
    if (document.activeElement !== main || focusHeading(main)) watching.disconnect();
  });
  watching.observe(main, { childList: true, subtree: true });
  return () => watching.disconnect();
}

function focusHeading(main: HTMLElement): boolean {
  const heading = main.querySelector('h1');
  if (heading === null) return false;
  heading.tabIndex = -1;
  heading.focus({ preventScroll: true });
  return true;
}
