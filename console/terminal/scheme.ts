import { useEffect, useState } from 'preact/hooks';
import type { Scheme } from './colors.ts';

/** Light or dark, as the page is at the moment. */
export function useScheme(): Scheme {
  const [scheme, setScheme] = useState(schemeNow);
  useEffect(() => {
    const look = (): void => setScheme(schemeNow());
    const wish = matchMedia('(prefers-color-scheme: dark)');
    const chosen = new MutationObserver(look);
    wish.addEventListener('change', look);
    chosen.observe(document.documentElement, { attributeFilter: ['data-theme'] });
    return () => {
      wish.removeEventListener('change', look);
      chosen.disconnect();
    };
  }, []);
  return scheme;
}

function schemeNow(): Scheme {
  const chosen = document.documentElement.dataset['theme'];
  if (chosen === 'light' || chosen === 'dark') return chosen;
  return matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
}
