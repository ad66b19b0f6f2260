/** How long the ledger was when: as kept checkpoints say it, and the leaves that are shown. */
import type { Kept } from './kept.ts';
import type { RecentLeaf } from './recent-leaves.ts';

export interface GrowthPoint {
  readonly at: number;
  readonly size: number;
  /** Somebody kept this one. */
  readonly isKept: boolean;
}

interface Now {
  readonly size: number;
  /** ISO 8601. */
  readonly at: string;
}

/** In the order of time. A leaf says when it happened, a little before it is entered. */
export function growthOf(
  now: Now,
  recent: readonly RecentLeaf[],
  kept: readonly Kept[],
): readonly GrowthPoint[] {
  const points = [
    ...recent.flatMap(({ index, leaf }) => (leaf === undefined ? [] : [point(leaf.at, index + 1, false)])),
    ...kept.map(({ note, at }) => point(at, sizeOf(note), true)),
    point(now.at, now.size, false),
  ];
  return points
    .filter(({ size }) => Number.isSafeInteger(size))
    .sort((a, b) => a.at - b.at || a.size - b.size);
}

function point(at: string, size: number, isKept: boolean): GrowthPoint {
  return { at: Date.parse(at), size, isKept };
}

/** The second line of a checkpoint, whose signature is looked at where it is compared. */
function sizeOf(note: string): number {
  return Number(note.split('\n')[1] ?? Number.NaN);
}
