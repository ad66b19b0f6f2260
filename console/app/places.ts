/** Where one can go by typing: pages by their names, and things by their ids. */
import { PAGES } from './pages.ts';

export interface Place {
  readonly word: string;
  readonly href: string;
}

const ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const THINGS = [
  ['session', '/sessions'],
  ['request', '/requests'],
  ['run', '/runs'],
] as const;

export function placesFor(typed: string): readonly Place[] {
  const wanted = typed.trim().toLowerCase();
  if (ID.test(wanted))
    return THINGS.map(([what, path]) => ({ word: `Open the ${what} ${wanted}`, href: `${path}/${wanted}` }));
  return PAGES.flatMap(({ path, title }) =>
    path.includes(':') || !title.toLowerCase().includes(wanted) ? [] : [{ word: title, href: path }],
  );
}
