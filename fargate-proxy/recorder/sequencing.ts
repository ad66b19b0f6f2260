import type { Sequencer } from '#core/ledger/sequencer.ts';

/** Steps in one go, so that a long queue does not keep the recorder's thread from its tapes. */
const STEPS_AT_ONCE = 8;

export interface Sequencing {
  stop(): void;
}

/**
 * Steps the sequencer from time to time: a leaf is in a checkpoint within 60 s (FORMAT.md of the ledger), and a few failures need room
 * in that. `onTrouble` is told of the first failure of a row, and of no other until a step
 * succeeds again: nothing is lost while the ledger stands still, but an auditor will ask.
 */
export function keepSequencing(
  sequencer: Sequencer,
  everyMs: number,
  onTrouble: (error: unknown) => void,
): Sequencing {
  let running = false;
  let failing = false;
  async function run(): Promise<void> {
    if (running) return;
    running = true;
    try {
      await stepSome(sequencer);
      failing = false;
    } catch (error) {
      if (!failing) onTrouble(error);
      failing = true;
    } finally {
      running = false;
    }
  }
  const timer = setInterval(() => void run(), everyMs);
  void run();
  return { stop: () => clearInterval(timer) };
}

async function stepSome(sequencer: Sequencer): Promise<void> {
  for (let step = 0; step < STEPS_AT_ONCE; step += 1) {
    if ((await sequencer.step()).kind === 'nothing') return;
  }
}
