/** Verifies a run here, by the code of `custody run verify`: every session, every result derived again, every step in the ledger. */
import { CustodyError } from '#core/errors.ts';
import { type RunVerifyReport, verifyRun } from '#core/tasks/verify/verify-run.ts';
import type { Api } from '../api/client.ts';
import { loadZstd } from '../platform/zstd.ts';
import type { Offered } from './offered.ts';
import type { Pace } from './pace.ts';
import type { Pins } from './pins.ts';
import { RemoteRun } from './run-folder.ts';
import { standingOf } from './standing.ts';

interface Asked {
  readonly api: Api;
  readonly run: string;
  readonly offered: Offered;
  readonly pins: Pins | undefined;
  readonly pace: Pace;
}

/** Rejects when the evidence could not be had, or comes from another gateway than the pinned one: that is no verdict. */
export async function verifyRemoteRun({ api, run, offered, pins, pace }: Asked): Promise<RunVerifyReport> {
  const trust = trustOf(pins, offered);
  const [folder] = await Promise.all([RemoteRun.ask({ api, run, offered, pace }), loadZstd()]);
  const report = await verifyRun(folder, { ...trust, run });
  pace.signal.throwIfAborted();
  folder.throwFailure();
  return report;
}

function trustOf(pins: Pins | undefined, offered: Offered) {
  const standing = standingOf(pins, offered);
  switch (standing) {
    case 'new':
      return { trustedSigners: [] };
    case 'as-pinned':
      return { trustedSigners: [offered.der], ledger: pins!.ledger };
    case 'signer-changed':
    case 'ledger-changed':
      throw new CustodyError('state-damaged', 'the gateway is not the one that you pinned: see below', {
        hint: 'believe nothing it shows before its operator has told you why',
      });
  }
}
