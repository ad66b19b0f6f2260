/** Verifies evidence and decodes it in one pass: steps are of frames that hold, and what no longer holds is not shown. */
import { CustodyError } from '#core/errors.ts';
import { segmentNumber } from '#core/recording/layout.ts';
import {
  type EvidenceFolder,
  type Opening,
  readEvidence,
  type VerifyReport,
} from '#core/recording/verify/verify.ts';
import { CheckedReading } from '#core/replay/checked-reading.ts';
import type { ReplayReader } from '#core/replay/reader.ts';
import { READERS } from '#core/replay/readers.ts';
import { type EvidenceFiles, pause } from './evidence.ts';
import { knowsFacts, loadMarks } from './marks.ts';
import { StepStore } from './step-store.ts';
import { optionsOf, type Trust, underTrust } from './trust.ts';

export interface Read {
  readonly opening: Opening;
  readonly report: VerifyReport;
  readonly reader: ReplayReader | undefined;
  readonly steps: StepStore;
  /** From where on steps are not shown, and why. */
  readonly fault: string | undefined;
  /** Writes are marked by what the answers say, without the statements. */
  readonly isByTag: boolean;
}

/** How much of the bytes was looked at. */
export type OnProgress = (bytes: number, of: number) => void;

const NO_READER: Pick<ReplayReader, 'ofJson'> = {
  ofJson: () => {
    throw new CustodyError('unsupported', 'nobody reads this protocol');
  },
};

/** So often the browser may draw. */
const TURN_MS = 40;

export async function readWhole(evidence: EvidenceFiles, trust: Trust, progress: OnProgress): Promise<Read> {
  const folder = watched(evidence, progress);
  const reading = new CheckedReading(readEvidence(folder, await optionsOf(trust, evidence)), () => undefined);
  const opening = await reading.open();
  const reader = opening.open && READERS.get(opening.open.target.protocol);
  const isByTag = reader !== undefined && !(await knowsFacts(opening.open!.target.protocol));
  const steps = new StepStore(reader ?? NO_READER, await loadMarks(opening.open?.target.protocol ?? ''));
  if (reader !== undefined) await takeSteps(reader, reading, opening, steps);
  steps.end();
  const report = underTrust(await reading.finish(), trust);
  return { opening, report, reader, steps, fault: reading.fault, isByTag };
}

async function takeSteps(
  reader: ReplayReader,
  reading: CheckedReading,
  { close }: Opening,
  into: StepStore,
): Promise<void> {
  let turn = performance.now();
  for await (const read of reader.steps(reading.frames(), 'whole', () => ({ reason: close?.reason }))) {
    // The decoder takes the end of what it is given for the end of the session.
    if (read.step.kind === 'end' && (close === undefined || reading.fault !== undefined)) continue;
    into.add(read);
    if (performance.now() - turn < TURN_MS) continue;
    await pause();
    turn = performance.now();
  }
}

function watched(evidence: EvidenceFiles, progress: OnProgress): EvidenceFolder {
  const of = [...evidence.files.values()].reduce((sum, { size }) => sum + size, 0);
  let bytes = 0;
  return {
    list: () => evidence.list(),
    get: async (name, atMost) => {
      bytes += evidence.files.get(name)?.size ?? 0;
      progress(bytes, of);
      if (segmentNumber(name) !== undefined) await pause();
      return evidence.get(name, atMost);
    },
  };
}
