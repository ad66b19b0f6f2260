import { useMemo } from 'preact/hooks';
import { useAnswer } from '../../parts/answer.ts';
import { shown } from '../../parts/text.ts';
import { useApi } from '../../signin/context.ts';
import type { Offered } from '../offered.ts';
import type { Pins } from '../pins.ts';
import { AuditPanel } from './audit-panel.tsx';
import { CheckpointCard } from './checkpoint-card.tsx';
import { CompareForm } from './compare-form.tsx';
import { GrowthChart } from './growth-chart.tsx';
import { growthOf } from './growth.ts';
import { KeptList } from './kept-list.tsx';
import { KeptStore } from './kept.ts';
import { LeafTable } from './leaf-table.tsx';
import { openedCheckpoint } from './opened-checkpoint.ts';
import { type RecentLeaf, recentLeaves } from './recent-leaves.ts';
import { tilesOf } from './tiles.ts';

/** As many as one bundle of entries has. */
const RECENT = 256;

interface LedgerViewProps {
  readonly offered: Offered;
  readonly note: string;
  readonly pins: Pins | undefined;
  readonly onLookAgain: () => void;
}

/** One checkpoint, and all that can be held against it. */
export function LedgerView({ offered, note, pins, onLookAgain }: LedgerViewProps) {
  const opened = openedCheckpoint(note, offered, pins);
  if (opened.is === 'refused')
    return (
      <section class="card verdict fails" role="alert">
        <h2>The checkpoint is refused</h2>
        <p>
          {shown(opened.why)}. Nothing that this ledger shows is to be believed before that is understood.
        </p>
        <button type="button" onClick={onLookAgain}>
          Look again
        </button>
      </section>
    );
  return <OpenLedger {...{ offered, note, onLookAgain }} opened={opened} ledger={opened.checkpoint.origin} />;
}

interface OpenLedgerProps extends Omit<LedgerViewProps, 'pins'> {
  readonly opened: Extract<ReturnType<typeof openedCheckpoint>, { is: 'signed' }>;
  readonly ledger: string;
}

function OpenLedger({
  offered,
  note,
  opened: { checkpoint, isPinned },
  ledger,
  onLookAgain,
}: OpenLedgerProps) {
  const api = useApi();
  const at = useMemo(() => new Date().toISOString(), [note]);
  const store = useMemo(() => new KeptStore(localStorage), []);
  const fetch = useMemo(() => tilesOf(api), [note]);
  const recent = useAnswer<readonly RecentLeaf[]>(() => recentLeaves(checkpoint, fetch, RECENT), [note]);
  const growth = growthOf({ size: checkpoint.size, at }, recent.value ?? [], store.kept.value);
  const ports = { ledger, signer: offered.der, checkpoint, fetch };
  return (
    <>
      <CheckpointCard
        checkpoint={checkpoint}
        isPinned={isPinned}
        at={at}
        note={note}
        store={store}
        onLookAgain={onLookAgain}
      />
      <GrowthChart points={growth} />
      <KeptList {...ports} store={store} />
      <CompareForm {...ports} />
      <AuditPanel {...ports} />
      <LeafTable recent={recent} size={checkpoint.size} />
    </>
  );
}
