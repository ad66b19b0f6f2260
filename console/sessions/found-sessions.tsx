import type { FoundSession } from '../api/sessions.ts';
import { useListKeys } from '../parts/list-keys.ts';
import { useNow } from '../parts/now.ts';
import { Older, usePages } from '../parts/pager.tsx';
import { personText } from '../parts/person.tsx';
import { ProtocolIcon } from '../parts/protocol.tsx';
import { Empty, Failure, Loading } from '../parts/states.tsx';
import { shown } from '../parts/text.ts';
import { Ago } from '../parts/time.tsx';
import { useSessionsApi } from './context.ts';
import { Excerpt } from './hits.tsx';
import { markedWords, type Terms } from './search-terms.ts';
import { counted } from './words.ts';

const PAGE = 50;

/** Sessions in which it was found, with how often. */
export function FoundSessions({ terms }: { readonly terms: Terms }) {
  const api = useSessionsApi();
  const pages = usePages(
    async (cursor, signal) => {
      const { sessions, next } = await api.searchSessions({ ...terms, cursor, limit: PAGE }, signal);
      return { rows: sessions, next };
    },
    [JSON.stringify(terms)],
    { idOf: ({ session }) => session },
  );
  const keys = useListKeys<HTMLOListElement>();
  const now = useNow(10_000);
  const { rows, first } = pages;
  if (first.problem !== undefined) return <Failure problem={first.problem} onRetry={first.again} />;
  if (rows === undefined) return <Loading what="what is found" />;
  if (rows.length === 0 && !pages.hasOlder)
    return (
      <Empty title="Nothing is found">
        <p>Fewer words, or another part of one, may find more.</p>
      </Empty>
    );
  return (
    <>
      <ol ref={keys} class="hits">
        {rows.map((found) => (
          <FoundRow key={found.session} found={found} words={markedWords(terms)} now={now} />
        ))}
      </ol>
      <Older pages={pages} what="sessions" />
    </>
  );
}

interface FoundRowProps {
  readonly found: FoundSession;
  readonly words: readonly string[];
  readonly now: number;
}

function FoundRow({ found, words, now }: FoundRowProps) {
  const { session, target, protocol, principal, startedAt, steps, more, errors, writes, first } = found;
  return (
    <li class="card hit">
      <p>
        <a href={`/sessions/${session}?step=${first.step}&found=true`} data-item>
          <ProtocolIcon protocol={protocol} /> {shown(target)}, {personText(principal)}
        </a>{' '}
        <span class="hint">
          <Ago at={startedAt} now={now} /> · {more === true ? 'more than ' : ''}
          {counted(steps, 'step')}
        </span>{' '}
        {errors > 0 && <span class="badge bad">{counted(errors, 'error')}</span>}{' '}
        {writes > 0 && <span class="badge mark-write">{counted(writes, 'write')}</span>}
      </p>
      {first.matched.map(({ field, excerpt }, at) => (
        <p key={at} class="excerpt">
          <small>{shown(field)}</small> <Excerpt text={excerpt} words={words} />
        </p>
      ))}
    </li>
  );
}
