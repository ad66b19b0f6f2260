import { useEffect } from 'preact/hooks';
import { shown } from './text.ts';

/** Of the browser's tab: what the page is about, once that is known, in place of what kind of page it is. */
export function useTitle(name: string | undefined): void {
  useEffect(() => {
    if (name !== undefined) document.title = titled(shown(name));
  }, [name]);
}

export function titled(name: string): string {
  return `${name} · Custody`;
}
