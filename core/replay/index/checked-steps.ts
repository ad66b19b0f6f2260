/** Steps of evidence that is verified while they are read: of nothing that does not hold, and in memory of one segment. */
import { asCustodyError, CustodyError } from '#core/errors.ts';
import { segmentNumber } from '#core/recording/layout.ts';
import { sha256Hex } from '#core/recording/statements.ts';
import {
  type EvidenceFolder,
  type Opening,
  readEvidence,
  type VerifyOptions,
  type VerifyReport,
} from '#core/recording/verify/verify.ts';
import { CheckedReading } from '../checked-reading.ts';
import type { FactsOf } from '../facts.ts';
import { LOAD_FACTS } from '../load-facts.ts';
import type { ReplayReader } from '../reader.ts';
import { READERS } from '../readers.ts';
import type { NumberedStep } from './stored-step.ts';

/** What was read of a segment, whether it holds or not. */
export type SegmentSeen = (number: number, bytes: number, sha256: string) => void;

/** What the evidence itself can be blamed for; anything else is the store's failure, and no verdict. */
const OF_THE_EVIDENCE: ReadonlySet<string> = new Set(['not-found', 'format-invalid', 'state-damaged']);

export class CheckedSteps {
  readonly reader: ReplayReader;
  readonly opening: Opening & { readonly open: NonNullable<Opening['open']> };
  readonly #facts: FactsOf;
  readonly #reading: CheckedReading;
  readonly #folder: WatchedFolder;

  private constructor(
    { reader, facts }: { readonly reader: ReplayReader; readonly facts: FactsOf },
    opening: CheckedSteps['opening'],
    reading: CheckedReading,
    folder: WatchedFolder,
  ) {
    this.reader = reader;
    this.opening = opening;
    this.#facts = facts;
    this.#reading = reading;
    this.#folder = folder;
  }

  /**
   * Rejects with `unsupported` where no step can be told: there is no opening that can be read, or its protocol is none that is read
   * here; and with what kept an object from being read that is no fault of the evidence.
   */
  static async open(
    evidence: EvidenceFolder,
    options: VerifyOptions,
    seen: SegmentSeen = () => undefined,
  ): Promise<CheckedSteps> {
    const folder = new WatchedFolder(evidence, seen);
    const reading = new CheckedReading(
      readEvidence(folder, options),
      () => folder.throwFailure(),
      othersFirst,
    );
    const opening = await reading.open();
    folder.throwFailure();
    const { open } = opening;
    if (open === undefined) throw cannotRead('there is no readable open statement');
    const { protocol } = open.target;
    const [reader, load] = [READERS.get(protocol), LOAD_FACTS.get(protocol)];
    if (reader === undefined || load === undefined)
      throw cannotRead(`the steps of ${protocol} cannot be read here`);
    return new CheckedSteps({ reader, facts: await load() }, { ...opening, open }, reading, folder);
  }

  /** Call it once. The end is told of a session whose close statement holds, and of which every frame did. */
  async *steps(): AsyncGenerator<NumberedStep, void, undefined> {
    const { close } = this.opening;
    let number = 0;
    const ending = () => ({ reason: close?.reason });
    for await (const read of this.reader.steps(this.#reading.frames(), 'page', ending)) {
      if (read.step.kind === 'end' && (close === undefined || this.#reading.fault !== undefined)) continue;
      number += 1;
      yield { number, segment: this.#folder.segment, read, facts: this.#facts(read) };
    }
  }

  /** Checks what is left. */
  finish(): Promise<VerifyReport> {
    return this.#reading.finish();
  }
}

/** Says which segment is being read, and keeps what is no fault of the evidence from counting as one. */
class WatchedFolder implements EvidenceFolder {
  readonly #folder: EvidenceFolder;
  readonly #seen: SegmentSeen;
  #failure: CustodyError | undefined;
  segment = 0;

  constructor(folder: EvidenceFolder, seen: SegmentSeen) {
    this.#folder = folder;
    this.#seen = seen;
  }

  list(): Promise<readonly string[]> {
    return this.#folder.list();
  }

  async get(name: string, atMost: number): Promise<Uint8Array> {
    const number = segmentNumber(name);
    if (number !== undefined) this.segment = number;
    try {
      const bytes = await this.#folder.get(name, atMost);
      if (number !== undefined) this.#seen(number, bytes.byteLength, sha256Hex(bytes));
      return bytes;
    } catch (thrown) {
      const error = asCustodyError(thrown);
      if (!OF_THE_EVIDENCE.has(error.code)) this.#failure ??= error;
      throw error;
    }
  }

  throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }
}

/** Whoever else waits in this process has its turn. */
function othersFirst(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function cannotRead(what: string): CustodyError {
  return new CustodyError('unsupported', what, {
    hint: 'custody play fetches the evidence and decodes it where you are',
  });
}
