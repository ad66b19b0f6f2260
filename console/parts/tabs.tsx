import { useQuery } from './query.ts';
import { shown } from './text.ts';

export interface Tab {
  readonly id: string;
  readonly word: string;
  readonly count?: number | undefined;
}

interface TabsProps {
  /** What they are of: `Parts of the session`. */
  readonly label: string;
  /** The first is shown where the address names none. */
  readonly tabs: readonly Tab[];
  /** Of the address. */
  readonly name?: string;
}

/** Links: the one that is shown is in the address. */
export function Tabs({ label, tabs, name = 'tab' }: TabsProps) {
  const { with: changed } = useQuery();
  const current = useTab(tabs, name);
  return (
    <nav class="tabs" aria-label={label}>
      {tabs.map(({ id, word, count }, at) => (
        <a
          key={id}
          href={changed({ [name]: at === 0 ? undefined : id })}
          aria-current={id === current ? 'page' : undefined}
        >
          {shown(word)}
          {count !== undefined && <span class="count">{count}</span>}
        </a>
      ))}
    </nav>
  );
}

/** Which of them the address names; the first where it names none of them. */
export function useTab(tabs: readonly Tab[], name = 'tab'): string {
  const wanted = useQuery().query[name];
  return (tabs.find(({ id }) => id === wanted) ?? tabs[0]!).id;
}
