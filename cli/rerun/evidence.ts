/** A recording that is run again: verified whole before anything of it is sent anywhere. */
import { CustodyError } from '#core/errors.ts';
import { framesOf } from '#core/recording/verify/frames.ts';
import { type EvidenceFacts, verifyEvidence } from '#core/recording/verify/verify.ts';
import type { ReplayFrame } from '#core/replay/step.ts';
import type { Cli } from '../cli.ts';
import { localFolder } from '../evidence/local-folder.ts';
import type { EvidenceSource } from '../evidence/source.ts';
import { expectedLedger } from '../ledger-pin.ts';
import { knownSigners } from '../signer-pin.ts';

export interface Recording {
  readonly facts: EvidenceFacts;
  readonly frames: () => AsyncIterable<ReplayFrame>;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly endedAt: number;
  /** Why it may not be all of the session. */
  readonly incomplete: string | undefined;
}

export interface EvidenceOptions {
  readonly key?: readonly string[];
  readonly origin?: string;
}

/** Rejects with `format-invalid` for evidence that fails. */
export async function verifiedRecording(
  cli: Cli,
  { folder, session }: EvidenceSource,
  options: EvidenceOptions,
): Promise<Recording> {
  const trusted = knownSigners(cli, options.key);
  const evidence = localFolder(folder);
  const { verdict, facts, findings } = await verifyEvidence(evidence, {
    trustedSigners: trusted.map(({ der }) => der),
    ledger: expectedLedger(cli, options),
    ...(session === undefined ? {} : { session }),
  });
  if (verdict === 'failed' || facts === undefined) {
    const why = findings[0]?.message ?? 'there is no readable open statement';
    throw new CustodyError(
      'format-invalid',
      `this recording FAILS verification, and is not run again: ${why}`,
      {
        hint: 'custody verify says all that is wrong with it',
      },
    );
  }
  const startedAt = Date.parse(facts.startedAt);
  return {
    facts,
    frames: () => framesOf(evidence),
    startedAt,
    endedAt: facts.endedAt === undefined ? startedAt + facts.recordedUntil / 1000 : Date.parse(facts.endedAt),
    incomplete: verdict === 'verified' ? undefined : (facts.completeness ?? `the evidence is ${verdict}`),
  };
}
