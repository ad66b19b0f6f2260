import { useQuery } from '../parts/query.ts';
import { Empty } from '../parts/states.tsx';
import { type Tab, Tabs, useTab } from '../parts/tabs.tsx';
import { FoundSessions } from './found-sessions.tsx';
import { Hits } from './hits.tsx';
import { SearchForm } from './search-form.tsx';
import { isAsked, termsOf } from './search-terms.ts';

const TABS: readonly Tab[] = [
  { id: 'steps', word: 'Steps' },
  { id: 'sessions', word: 'Sessions' },
];

/** What was done, in every session that one may look at; what is looked for is in the address. */
export default function SearchPage() {
  const terms = termsOf(useQuery().query);
  const tab = useTab(TABS);
  return (
    <>
      <h1>Search</h1>
      <SearchForm terms={terms} />
      {isAsked(terms) ? (
        <>
          <Tabs label="What is found" tabs={TABS} />
          {tab === 'sessions' ? <FoundSessions terms={terms} /> : <Hits terms={terms} />}
        </>
      ) : (
        <Empty title="What do you look for?">
          <p>
            Words that all stand in a step; <code>"duplicate key"</code> for words next to each other.
            Statements, commands, files, values, and what came back: of every session that you may look at.
          </p>
        </Empty>
      )}
    </>
  );
}
