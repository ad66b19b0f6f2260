import { useEffect } from 'preact/hooks';
import { useLocation } from 'preact-iso';
import { useKeys } from '../parts/keys.ts';
import { PAGES } from './pages.ts';

interface ShellKeys {
  readonly onHelp: () => void;
  readonly onPalette: () => void;
}

/** Keys that every page has. */
export function useShellKeys({ onHelp, onPalette }: ShellKeys): void {
  const { route } = useLocation();
  const toPages = PAGES.flatMap(({ path, title, nav }) =>
    nav === undefined ? [] : [{ key: `g ${nav.key}`, does: `Go to: ${title}`, run: () => route(path) }],
  );
  useKeys([
    { key: '?', does: 'This list', run: onHelp },
    { key: '/', does: 'Search or filter on this page', run: focusSearch },
    ...toPages,
  ]);
  usePaletteKey(onPalette);
}

/** The one key with Ctrl or Command: it is for when one types, too. */
function usePaletteKey(onPalette: () => void): void {
  useEffect(() => {
    const press = (event: KeyboardEvent): void => {
      const isIt = (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && event.key === 'k';
      if (!isIt || document.querySelector('dialog[open]') !== null) return;
      event.preventDefault();
      onPalette();
    };
    addEventListener('keydown', press);
    return () => removeEventListener('keydown', press);
  });
}

function focusSearch(): void {
  const field = document.querySelector<HTMLInputElement>('main [data-search]');
  field?.focus();
  field?.select();
}
