import type { SearchedSession, SearchedStep } from '#core/search/entry.ts';
import type { StepSearch } from '#core/search/port.ts';
import { CHUNK_CHARACTERS, CHUNK_STEPS } from './chunks.ts';
import { SearchThread } from './thread.ts';

/**
 * The search in SQLite's FTS5, in a thread of its own: a file that can be deleted at any time. Rejects with `state-damaged` when it is
 * no database, and with `store-unavailable` when it cannot be had.
 */
export async function openSearch(file: string): Promise<StepSearch & { close(): Promise<void> }> {
  const thread = new SearchThread(file);
  await thread.open();
  let before: Promise<unknown> = Promise.resolve();
  return {
    // One after the other.
    add: (session, steps, rules) => {
      const added = before.then(() => add(thread, session, steps, rules));
      before = added.catch(() => undefined);
      return added;
    },
    search: (query, page) => thread.call('search', query, page),
    sessions: (query, page) => thread.call('sessions', query, page),
    missing: (wanted) => thread.call('missing', wanted),
    close: () => thread.call('close'),
  };
}

async function add(
  thread: SearchThread,
  session: SearchedSession,
  steps: AsyncIterable<SearchedStep>,
  rules: string,
): Promise<void> {
  while (!(await thread.call('remove', session.id)));
  // The last one goes with the end: most sessions are one commit.
  let held: readonly SearchedStep[] = [];
  for await (const chunk of chunksOf(steps)) {
    if (held.length > 0) await thread.call('add', session, held);
    held = chunk;
  }
  await thread.call('add', session, held, rules);
}

async function* chunksOf(steps: AsyncIterable<SearchedStep>): AsyncGenerator<readonly SearchedStep[]> {
  let chunk: SearchedStep[] = [];
  let characters = 0;
  for await (const step of steps) {
    chunk.push(step);
    characters += charactersOf(step);
    if (chunk.length < CHUNK_STEPS && characters < CHUNK_CHARACTERS) continue;
    yield chunk;
    [chunk, characters] = [[], 0];
  }
  if (chunk.length > 0) yield chunk;
}

function charactersOf({ facts: { text = '', values, results, messages } }: SearchedStep): number {
  return [...values, ...results, ...messages].reduce((sum, one) => sum + one.length, text.length);
}
