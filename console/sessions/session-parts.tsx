import type { ComponentChildren } from 'preact';
import type { Session } from '../api/types.ts';
import { Tabs, useTab } from '../parts/tabs.tsx';
import { SessionTerminalTab } from './session-terminal-tab.tsx';

/** What may have terminals. */
const TERMINALS: ReadonlySet<string> = new Set(['ssh', 'kubernetes']);

const TABS = [
  { id: 'steps', word: 'Steps' },
  { id: 'terminal', word: 'Terminal' },
];

interface SessionPartsProps {
  readonly session: Session;
  /** Its steps. */
  readonly children: ComponentChildren;
}

/** The steps of a session, or its terminals where it may have any. */
export function SessionParts({ session, children }: SessionPartsProps) {
  const tab = useTab(TABS);
  if (!TERMINALS.has(session.protocol)) return <>{children}</>;
  return (
    <>
      <Tabs label="Parts of the session" tabs={TABS} />
      {tab === 'terminal' ? <SessionTerminalTab session={session} /> : children}
    </>
  );
}
