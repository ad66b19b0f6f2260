import { asCustodyError } from '../../errors.ts';
import {
  openSessionProof,
  PROOF_MAX_BYTES,
  type ProvedSession,
  type StatementLeaf,
} from '../../ledger/session-proof.ts';
import { printable } from '../../printable.ts';
import type { CloseStatement, OpenStatement } from '../format.ts';
import { CLOSE, LEDGER_PROOF, OPEN } from '../layout.ts';
import type { Objects } from './objects.ts';
import type { Report } from './report.ts';
import type { SignerKey } from './signer.ts';
import type { Statement } from './statement.ts';

/** The statements that were found in the folder. */
export interface FoundStatements {
  readonly session: string | undefined;
  readonly open: Statement<OpenStatement> | undefined;
  readonly close: Statement<CloseStatement> | undefined;
}

/** What the evidence proves about the ledger. */
export interface LedgerFacts {
  readonly origin: string;
  /** Leaves under the checkpoint. */
  readonly size: number;
  readonly opened: boolean;
  readonly ended: boolean;
}

/**
 * Checks `ledger.json`, where there is one (FORMAT.md, "The ledger's proof"). `origin`: the ledger that the auditor expects.
 * Undefined unless it proves all that a proof for these statements must.
 */
export async function checkLedgerProof(
  statements: FoundStatements,
  signer: SignerKey | undefined,
  origin: string | undefined,
  objects: Objects,
  report: Report,
): Promise<LedgerFacts | undefined> {
  if (!objects.names.has(LEDGER_PROOF) || signer === undefined) return undefined;
  if (origin === undefined) {
    report(
      'ledger-unanchored',
      LEDGER_PROOF,
      `${LEDGER_PROOF} is there, and no ledger was named to expect it of`,
    );
    return undefined;
  }
  const bytes = await objects.read(LEDGER_PROOF, PROOF_MAX_BYTES);
  if (bytes === undefined) return undefined;
  try {
    const proved = openSessionProof(bytes, origin, signer.key.export({ type: 'spki', format: 'der' }));
    return compare(proved, statements, report);
  } catch (error) {
    report('ledger-proof-invalid', LEDGER_PROOF, `${LEDGER_PROOF}: ${asCustodyError(error).message}`);
    return undefined;
  }
}

/** Every leaf fits the statement it is about, and each statement has its leaf. */
function compare(
  { origin, size, leaves }: ProvedSession,
  statements: FoundStatements,
  report: Report,
): LedgerFacts | undefined {
  const wrong = leaves.flatMap((leaf) => whatIsWrong(leaf, statements) ?? []);
  for (const message of wrong) report('ledger-proof-mismatch', LEDGER_PROOF, `${LEDGER_PROOF}: ${message}`);
  if (wrong.length > 0) return undefined;
  const opened = leaves.filter(isOpening).length;
  const ended = leaves.length - opened;
  const endsExpected = statements.close === undefined ? 0 : 1;
  if (opened === 1 && ended === endsExpected) return { origin, size, opened: true, ended: ended === 1 };
  const message = `${LEDGER_PROOF} has ${opened} openings and ${ended} ends of the session, where 1 and ${endsExpected} are to be proved`;
  report('ledger-proof-incomplete', LEDGER_PROOF, message);
  return undefined;
}

function whatIsWrong(leaf: StatementLeaf, { session, open, close }: FoundStatements): string | undefined {
  if (leaf.session !== session) return `it is of session ${leaf.session}`;
  const name = isOpening(leaf) ? OPEN : CLOSE;
  const found = isOpening(leaf) ? open : close;
  if (found === undefined) return `the ledger has a ${name}, and ${name} is missing or cannot be read`;
  if (leaf.statement !== found.sha256)
    return `the ledger has a ${name} with SHA-256 ${leaf.statement}, but ${name} has ${found.sha256}`;
  const other = isOpening(leaf) ? openingDiffers(leaf, open!.value) : endDiffers(leaf, close!.value);
  return other && `the ledger's leaf about ${name} says ${printable(other)}, and ${name} does not`;
}

type Opening = Extract<StatementLeaf, { readonly kind: 'session-opened' }>;
type End = Exclude<StatementLeaf, Opening>;

function isOpening(leaf: StatementLeaf): leaf is Opening {
  return leaf.kind === 'session-opened';
}

/** A member that is not what core/ledger/FORMAT.md takes from the statement, as it is in the leaf. */
function openingDiffers({ at, target, principal }: Opening, statement: OpenStatement): string | undefined {
  if (at !== statement.startedAt) return `at ${at}`;
  if (target !== statement.target.name) return `target ${target}`;
  const isSame = identityOf(principal) === identityOf(statement.principal);
  return isSame ? undefined : `principal ${JSON.stringify(principal)}`;
}

/** What a leaf says of a principal, in one form. */
function identityOf({ issuer, subject, email, actors }: Opening['principal']): string {
  return JSON.stringify([issuer, subject, email, actors?.map((actor) => [actor.issuer, actor.subject])]);
}

function endDiffers({ kind, at, reason }: End, statement: CloseStatement): string | undefined {
  if (kind !== (statement.recovered ? 'session-recovered' : 'session-closed')) return kind;
  if (at !== statement.endedAt) return `at ${at}`;
  return reason === statement.reason ? undefined : `reason ${reason}`;
}
