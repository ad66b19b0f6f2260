import { CustodyError } from '#core/errors.ts';
import { segmentNumber } from '#core/recording/layout.ts';
import {
  type EvidenceFolder,
  type Opening,
  readEvidence,
  type VerifyReport,
  verdictOf,
} from '#core/recording/verify/verify.ts';
import { CheckedReading } from '#core/replay/checked-reading.ts';
import type { ReplayReader } from '#core/replay/reader.ts';
import { READERS } from '#core/replay/readers.ts';
import type { Purpose } from '../api.ts';
import { type Cli, say } from '../cli.ts';
import { openEvidence } from '../evidence/open.ts';
import { NOT_CHECKED, VERDICT_CODES } from '../evidence/report.ts';
import { expectedLedger } from '../ledger-pin.ts';
import { knownSigners, type PublicSigner } from '../signer-pin.ts';
import { StatusLine } from '../status-line.ts';

export interface ReadingOptions {
  readonly key?: readonly string[];
  readonly origin?: string;
  /** What the ledger will say of it; to look at it where nothing is said. */
  readonly purpose?: Purpose;
}

/** A recording that is being verified while it is shown. */
export interface EvidenceReading {
  readonly opening: Opening;
  /** Where it is read from: small objects may be asked for again. */
  readonly folder: EvidenceFolder;
  readonly reader: ReplayReader;
  readonly reading: CheckedReading;
  readonly status: StatusLine;
  readonly trusted: readonly PublicSigner[];
  /** Checks what is left. The process will exit with what the verdict says. */
  conclude(): Promise<VerifyReport>;
}

/** Opens an evidence folder, or a session's by its id, and says what is known against it already. */
export async function withEvidence(
  cli: Cli,
  name: string,
  options: ReadingOptions,
  use: (evidence: EvidenceReading) => Promise<void>,
): Promise<void> {
  cli.exitWith(NOT_CHECKED);
  const given = options.key === undefined ? undefined : knownSigners(cli, options.key);
  const { folder, session, throwFailure } = await openEvidence(cli, name, options.purpose);
  const trusted = given ?? knownSigners(cli, undefined);
  const status = new StatusLine(cli);
  const reading = new CheckedReading(
    readEvidence(await watched(folder, status), {
      trustedSigners: trusted.map(({ der }) => der),
      ledger: expectedLedger(cli, options),
      ...(session === undefined ? {} : { session }),
    }),
    throwFailure,
  );
  try {
    const opening = await reading.open();
    const reader = readerOf(cli, opening);
    const conclude = async (): Promise<VerifyReport> => {
      const report = await reading.finish();
      status.clear();
      cli.exitWith(VERDICT_CODES[report.verdict]);
      return report;
    };
    await use({ opening, folder, reader, reading, status, trusted, conclude });
  } finally {
    status.clear();
  }
}

/** Says how far it is. */
async function watched(folder: EvidenceFolder, status: StatusLine): Promise<EvidenceFolder> {
  const names = await folder.list();
  const of = names.filter((name) => segmentNumber(name) !== undefined).length;
  return {
    list: async () => names,
    get: (name, atMost) => {
      const number = segmentNumber(name);
      if (number !== undefined) status.show(`segment ${number + 1} of ${of}`);
      return folder.get(name, atMost);
    },
  };
}

function readerOf(cli: Cli, { open, close, findings, fault: doubt }: Opening): ReplayReader {
  if (open === undefined) throw notEvidence();
  const { name, protocol } = open.target;
  // What an opening that is in doubt says does not count, and nothing of it will be shown.
  const reader = READERS.get(protocol) ?? (doubt === undefined ? undefined : [...READERS.values()][0]);
  if (reader === undefined)
    throw new CustodyError('unsupported', `${name} speaks ${protocol}, which this custody cannot show`);
  const fault = findings.find((finding) => verdictOf([finding]) === 'failed');
  if (fault !== undefined) say(cli, `WARNING: this recording FAILS verification: ${fault.message}`);
  if (close?.recovered) say(cli, 'note: the gateway died in this session; what it had recorded follows');
  return reader;
}

function notEvidence(): CustodyError {
  return new CustodyError(
    'not-found',
    'there is no readable open statement: this is not an evidence folder',
    {
      hint: 'custody verify says what is wrong with it',
    },
  );
}
