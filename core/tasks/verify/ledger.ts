import { asCustodyError } from '../../errors.ts';
import { type Leaf, leafBytes, parseLeaf } from '../../ledger/leaf.ts';
import type { ProvedLeaf } from '../../ledger/leaf-proof.ts';
import { openRunProof, RUN_PROOF_MAX_BYTES } from '../../ledger/run-proof.ts';
import { LEDGER_PROOF } from '../../recording/layout.ts';
import type { Run } from '../run.ts';
import { RUN_FILE } from '../run-folder.ts';
import { runLeaf } from '../run-leaves.ts';
import { type RunFolder, readObject } from './read-run.ts';
import type { RunReport } from './report.ts';

/** What a run's proof was found to prove. */
export interface ProvedRun {
  readonly origin: string;
  readonly size: number;
  /** Of access requests, by the request: the bytes of their leaves. */
  readonly requests: ReadonlyMap<string, ReadonlySet<string>>;
  readonly leaves: number;
}

/** Whom the checkpoint may be signed by (SubjectPublicKeyInfo, DER), and of which ledger it has to be. */
export interface Expected {
  readonly signers: readonly Uint8Array[];
  readonly origin: string | undefined;
}

/** Holds the run's steps against the proof of its leaves, both ways. Undefined where there is no proof that can be opened. */
export async function checkRunProof(
  folder: RunFolder,
  run: Run,
  { signers, origin }: Expected,
  report: RunReport,
): Promise<ProvedRun | undefined> {
  const bytes = await readObject(folder, LEDGER_PROOF, RUN_PROOF_MAX_BYTES, 'ledger-missing', report);
  if (bytes === undefined) return undefined;
  if (origin === undefined) {
    report(
      'ledger-unanchored',
      LEDGER_PROOF,
      `${LEDGER_PROOF} is there, and no ledger was named to expect it of`,
    );
    return undefined;
  }
  const opened = openUnder(bytes, origin, signers, report);
  if (opened === undefined) return undefined;
  const leaves = opened.leaves.map(({ entry }) => ({
    text: entry.toString(),
    leaf: readable(entry, report),
  }));
  checkSame(run, leaves, report);
  const ofRequests = leaves.flatMap(({ text, leaf }) => (leaf && 'request' in leaf ? [{ text, leaf }] : []));
  const grouped = Map.groupBy(ofRequests, ({ leaf }) => leaf.request);
  const requests = new Map([...grouped].map(([id, of]) => [id, new Set(of.map(({ text }) => text))]));
  return { origin, size: opened.size, requests, leaves: leaves.length };
}

function openUnder(bytes: Uint8Array, origin: string, signers: readonly Uint8Array[], report: RunReport) {
  let why = 'nobody is known who could have signed it';
  for (const signer of signers) {
    try {
      return openRunProof(bytes, origin, signer);
    } catch (error) {
      why = asCustodyError(error).message;
    }
  }
  report('ledger-proof-invalid', LEDGER_PROOF, `${LEDGER_PROOF}: ${why}`);
  return undefined;
}

function readable(entry: ProvedLeaf['entry'], report: RunReport): Leaf | undefined {
  try {
    return parseLeaf(entry);
  } catch (error) {
    report('ledger-proof-invalid', LEDGER_PROOF, `${LEDGER_PROOF}: ${asCustodyError(error).message}`);
    return undefined;
  }
}

interface ReadLeaf {
  readonly text: string;
  readonly leaf: Leaf | undefined;
}

/**
 * Each step has its leaf and each leaf its step, to the byte. Steps behind the last one that is proved may be on their way into the
 * ledger: they are not proved, and nothing is wrong with them, unless the ledger has others.
 */
function checkSame(run: Run, leaves: readonly ReadLeaf[], report: RunReport): void {
  const proved = new Set(leaves.map(({ text }) => text));
  const wanted = [run, ...run.steps].map((_, number) =>
    Buffer.from(leafBytes(runLeaf(run, number))).toString(),
  );
  const known = new Set(wanted);
  const removed = leaves.filter(
    ({ text, leaf }) => !known.has(text) && (leaf === undefined || !('request' in leaf)),
  );
  const last = removed.length > 0 ? wanted.length : wanted.findLastIndex((text) => proved.has(text));
  for (const [number, text] of wanted.entries()) {
    if (proved.has(text)) continue;
    const code = number > last && last >= 0 ? 'step-pending' : 'step-unproved';
    report(
      code,
      RUN_FILE,
      `${RUN_FILE} has ${stepWords(run, number)}, and the ledger's proof does not${code === 'step-pending' ? ' yet' : ''}`,
    );
  }
  for (const { leaf } of removed)
    report('step-removed', LEDGER_PROOF, `the ledger has ${leafWords(leaf)}, and ${RUN_FILE} does not`);
}

function stepWords({ steps }: Run, number: number): string {
  const step = steps[number - 1];
  if (step === undefined) return 'this beginning';
  const whose = 'session' in step ? ` of session ${step.session}` : '';
  return `the step ${number}, ${step.kind}${whose}`;
}

function leafWords(leaf: Leaf | undefined): string {
  if (leaf === undefined) return 'a leaf that this version does not know';
  const which = 'step' in leaf ? ` as step ${leaf.step}` : '';
  const whose = 'session' in leaf && leaf.session !== undefined ? ` of session ${leaf.session}` : '';
  return `${leaf.kind}${which}${whose}`;
}
