import { createHash } from 'node:crypto';
import { nameOf } from '#core/access/person.ts';
import { CLOSE, OPEN } from '#core/recording/layout.ts';
import type { VerifyReport } from '#core/recording/verify/verify.ts';
import type { EvidenceReading } from '../play/evidence-reading.ts';

/** By what an export is held against its evidence. */
export interface EvidenceReference {
  readonly type: 'custody/evidence-reference/1';
  readonly session: string;
  readonly target: string;
  readonly principal: string;
  readonly startedAt: string;
  /** SHA-256 of these objects: the ledger's leaves name them so. */
  readonly open: string;
  readonly close?: string;
}

const STATEMENT_MAX = 64 << 10;

/** Known before anything is read of what was done. */
export async function referenceOf({ opening, folder }: EvidenceReading): Promise<EvidenceReference> {
  const { session, target, principal, startedAt } = opening.open!;
  const close = opening.close === undefined ? undefined : await hashOf(folder, CLOSE);
  return {
    type: 'custody/evidence-reference/1',
    session,
    target: target.name,
    principal: nameOf(principal),
    startedAt,
    open: await hashOf(folder, OPEN),
    ...(close === undefined ? {} : { close }),
  };
}

/** What only the end tells. `part`: what of the session it is. */
export function conclusion({ verdict, findings, facts }: VerifyReport, part: object): object {
  const ledger = facts?.ledger;
  return {
    ...part,
    verdict,
    ...(findings.length === 0 ? {} : { findings: findings.slice(0, 20) }),
    ...(ledger === undefined ? {} : { ledger }),
  };
}

async function hashOf(folder: EvidenceReading['folder'], name: string): Promise<string> {
  return createHash('sha256')
    .update(await folder.get(name, STATEMENT_MAX))
    .digest('hex');
}
