import { InvalidArgumentError } from 'commander';
import { CustodyError } from '#core/errors.ts';
import { type Cli, jsonText, print, say, write } from './cli.ts';
import { Columns } from './listing.ts';

/** What the API gives of a list at a time. */
export interface Page<Item> {
  readonly items: readonly Item[];
  /** Where it goes on; the page itself may be empty and go on all the same. */
  readonly next?: string | undefined;
}

/** How much of a list, and from where on. */
export interface Paging {
  /** Infinity: all of it. */
  readonly limit: number;
  readonly cursor?: string | undefined;
}

export type Pages<Item> = AsyncGenerator<readonly Item[], string | undefined, undefined>;

const PAGE = 100;

/** Page after page until there are `limit` items. Returns the cursor of what follows, if anything does. */
export async function* pagesOf<Item>(
  { limit, cursor: from }: Paging,
  ask: (page: Paging) => Promise<Page<Item>>,
): Pages<Item> {
  const seen = new Set<string>();
  let [left, cursor] = [limit, from];
  do {
    const { items, next } = await ask({ limit: Math.min(PAGE, left), cursor });
    const taken = items.slice(0, left);
    yield taken;
    left -= taken.length;
    cursor = next;
    if (cursor !== undefined && seen.has(cursor)) throw inCircles();
    if (cursor !== undefined) seen.add(cursor);
  } while (cursor !== undefined && left > 0);
  return cursor;
}

/** For the path of a page: what is asked for, without what is not. */
export function searchOf(values: Readonly<Record<string, string | number | undefined>>): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(values))
    if (value !== undefined) search.set(name, String(value));
  return search.toString();
}

/** How a list is shown. */
export interface Listed<Item> {
  /** Its member in the JSON. */
  readonly name: string;
  readonly headings: readonly string[];
  readonly row: (item: Item) => readonly string[];
}

/** Prints a list as it comes: a table, or one line of JSON. What it leaves out is never left out silently. */
export async function printPages<Item>(
  cli: Cli,
  pages: Pages<Item>,
  listed: Listed<Item>,
  json: boolean,
): Promise<void> {
  const next = await (json ? printAsJson(cli, pages, listed) : printAsTable(cli, pages, listed));
  if (next !== undefined)
    say(cli, `note: more follow: --limit all, or go on from here with --cursor ${next}`);
}

async function printAsTable<Item>(cli: Cli, pages: Pages<Item>, { headings, row }: Listed<Item>) {
  const columns = new Columns();
  let above: readonly (readonly string[])[] = [headings];
  for (;;) {
    const { done, value } = await pages.next();
    const rows = done ? [] : value.map(row);
    if (rows.length > 0 || (done && above.length > 0)) {
      await print(cli, columns.lines([...above, ...rows]));
      above = [];
    }
    if (done) return value;
  }
}

async function printAsJson<Item>(cli: Cli, pages: Pages<Item>, { name }: Listed<Item>) {
  let before = `{${jsonText(name)}:[`;
  for (;;) {
    const { done, value } = await pages.next();
    if (done) {
      await print(
        cli,
        `${before === ',' ? '' : before}]${value === undefined ? '' : `,"next":${jsonText(value)}`}}`,
      );
      return value;
    }
    for (const item of value) {
      await write(cli, before + jsonText(item));
      before = ',';
    }
  }
}

/** A number from 1 on, or `all`; for commander. */
export function readLimit(text: string): number {
  if (text === 'all') return Infinity;
  const limit = Number(text);
  if (Number.isSafeInteger(limit) && limit >= 1) return limit;
  throw new InvalidArgumentError('It must be a number from 1 on, or all.');
}

function inCircles(): CustodyError {
  return new CustodyError('format-invalid', "the server's list goes in circles", {
    hint: 'tell whoever runs the gateway',
  });
}
