import { exec } from 'preact-iso/router';
import { titled } from '../parts/title.ts';
import { PAGES, type Page } from './pages.ts';

/** The page of an address, by its path alone. */
export function pageOf(url: string): Page | undefined {
  const path = url.split('?')[0]!;
  return PAGES.find(({ path: pattern }) => exec(path, pattern) !== undefined);
}

/** Until the page knows the name of what it shows. */
export function titleOf(url: string): string {
  const page = pageOf(url);
  return page === undefined ? 'Custody' : titled(page.title);
}
