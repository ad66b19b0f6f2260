import type { Hit } from '../api/sessions.ts';
import { useListKeys } from '../parts/list-keys.ts';
import { useNow } from '../parts/now.ts';
import { Older, usePages } from '../parts/pager.tsx';
import { personText } from '../parts/person.tsx';
import { ProtocolIcon } from '../parts/protocol.tsx';
import { Empty, Failure, Loading } from '../parts/states.tsx';
import { shown } from '../parts/text.ts';
import { Ago } from '../parts/time.tsx';
import { useSessionsApi } from './context.ts';
import { NotSearched } from './not-searched.tsx';
import { markedParts, markedWords, type Terms } from './search-terms.ts';

const PAGE = 50;

/** Steps in which it was found, each with the place; the newest session first. */
export function Hits({ terms }: { readonly terms: Terms }) {
  const api = useSessionsApi();
  const key = JSON.stringify(terms);
  const pages = usePages(
    async (cursor, signal) => {
      const { hits, next, ...limits } = await api.search({ ...terms, cursor, limit: PAGE }, signal);
      return { rows: hits, next, limits };
    },
    [key],
    { idOf: ({ session, step }) => `${session}/${step}` },
  );
  const keys = useListKeys<HTMLOListElement>();
  const now = useNow(10_000);
  const { rows, first } = pages;
  if (first.problem !== undefined) return <Failure problem={first.problem} onRetry={first.again} />;
  if (rows === undefined) return <Loading what="what is found" />;
  const limits = first.value?.limits;
  return (
    <>
      {rows.length === 0 && !pages.hasOlder && (
        <Empty title="Nothing is found">
          <p>Fewer words, or another part of one, may find more.</p>
        </Empty>
      )}
      <ol ref={keys} class="hits">
        {rows.map((hit) => (
          <HitRow key={`${hit.session}/${hit.step}`} hit={hit} words={markedWords(terms)} now={now} />
        ))}
      </ol>
      <Older pages={pages} what="steps" />
      {limits !== undefined && <NotSearched limits={limits} />}
    </>
  );
}

interface HitRowProps {
  readonly hit: Hit;
  readonly words: readonly string[];
  readonly now: number;
}

function HitRow({
  hit: { session, step, target, protocol, principal, time, matched },
  words,
  now,
}: HitRowProps) {
  return (
    <li class="card hit">
      <p>
        <a href={`/sessions/${session}?step=${step}&found=true`} data-item>
          <ProtocolIcon protocol={protocol} /> {shown(target)}, step {step}
        </a>{' '}
        <span class="hint">
          {personText(principal)} · <Ago at={time} now={now} />
        </span>
      </p>
      {matched.map(({ field, excerpt }, at) => (
        <p key={at} class="excerpt">
          <small>{shown(field)}</small> <Excerpt text={excerpt} words={words} />
        </p>
      ))}
    </li>
  );
}

export function Excerpt({ text, words }: { readonly text: string; readonly words: readonly string[] }) {
  return (
    <code>
      {markedParts(text, words).map((part, at) =>
        part.isMarked ? <mark key={at}>{shown(part.text)}</mark> : shown(part.text),
      )}
    </code>
  );
}
