/** Holds the newest sessions against the ledger, as far as the API lets a browser: the store itself is what `custody audit` walks. */
import type { AuditCode } from '#core/ledger/audit-findings.ts';
import { asCustodyError } from '#core/errors.ts';
import { type Checkpoint, openCheckpoint } from '#core/ledger/checkpoint.ts';
import {
  openSessionProof,
  PROOF_MAX_BYTES,
  type SessionProof,
  type StatementLeaf,
} from '#core/ledger/session-proof.ts';
import type { FetchTile } from '#core/ledger/tree.ts';
import { CLOSE, OPEN } from '#core/recording/layout.ts';
import type { Api } from '../../api/client.ts';
import { asProblem } from '../../api/problem.ts';
import type { Session } from '../../api/types.ts';
import { webSha256 } from '../../platform/web-sha256.ts';
import { EvidenceLinks } from '../evidence-links.ts';
import { askProof } from '../ask-proof.ts';
import { compareCheckpoints, isBad } from './compare-checkpoints.ts';

/** A leaf is in a checkpoint within 60 s: what is younger may be missing from the ledger. */
const ENTERED_WITHIN_MS = 60_000;
const STATEMENT_MAX_BYTES = 4096;

export interface Audited {
  readonly session: Session;
  readonly state: 'whole' | 'live' | 'young' | 'wrong' | 'unknown';
  readonly findings: readonly { readonly code: AuditCode; readonly message: string }[];
  /** What kept it from being looked at. */
  readonly why?: string;
}

export interface AuditPorts {
  readonly api: Api;
  readonly ledger: string;
  /** SubjectPublicKeyInfo, DER. */
  readonly signer: Uint8Array;
  readonly checkpoint: Checkpoint;
  readonly fetch: FetchTile;
  /** Whether statements are held against their leaves, each a look at the session. */
  readonly withStatements: boolean;
  readonly now: () => number;
  readonly signal: AbortSignal;
}

type Found = Audited['findings'][number];

export async function auditSession(session: Session, ports: AuditPorts): Promise<Audited> {
  try {
    const proof = await askProof(ports.api, session.id, ports.signal);
    if (proof === undefined) return withoutLeaves(session, ports);
    const leaves = openProof(proof, ports);
    const findings = [
      ...(await forkOf(proof, ports)),
      ...contradictions(session, leaves, ports),
      ...(ports.withStatements ? await replaced(session, leaves, ports) : []),
    ];
    if (findings.length > 0) return { session, state: 'wrong', findings };
    return { session, state: leaves.some(isEnd) ? 'whole' : 'live', findings };
  } catch (thrown) {
    ports.signal.throwIfAborted();
    const { code, message } = asProblem(thrown);
    if (code === 'ledger-altered' || code === 'format-invalid')
      return { session, state: 'wrong', findings: [{ code: 'ledger-altered', message }] };
    return { session, state: 'unknown', findings: [], why: message };
  }
}

function openProof(proof: SessionProof, { ledger, signer }: AuditPorts): readonly StatementLeaf[] {
  const bytes = new TextEncoder().encode(JSON.stringify(proof));
  if (bytes.length > PROOF_MAX_BYTES) throw asCustodyError(new Error('the proof is too long'));
  return openSessionProof(bytes, ledger, signer).leaves;
}

function withoutLeaves(session: Session, { now }: AuditPorts): Audited {
  if (now() - Date.parse(session.startedAt) < ENTERED_WITHIN_MS)
    return { session, state: 'young', findings: [] };
  const message = 'the API lists it, and its opening is not in the ledger';
  return { session, state: 'wrong', findings: [{ code: 'session-unlisted', message }] };
}

/** The proof's checkpoint may be a newer one than the page's, and has to be of the same ledger. */
async function forkOf({ checkpoint: note }: SessionProof, ports: AuditPorts): Promise<readonly Found[]> {
  const { ledger, signer, checkpoint, fetch } = ports;
  const own = openCheckpoint(note, ledger, signer);
  const [older, newer] = own.size < checkpoint.size ? [own, checkpoint] : [checkpoint, own];
  const comparison = await compareCheckpoints(older, newer, fetch);
  if (!isBad(comparison)) return [];
  return [
    { code: 'ledger-forked', message: 'the checkpoint of its proof is not one of the ledger of this page' },
  ];
}

/** What the API lists against what is in the ledger. */
function contradictions(
  session: Session,
  leaves: readonly StatementLeaf[],
  { now }: AuditPorts,
): readonly Found[] {
  const opened = leaves.filter(({ kind }) => kind === 'session-opened');
  const ended = leaves.filter(isEnd);
  const found: Found[] = [];
  if (leaves.some((leaf) => leaf.session !== session.id))
    found.push({ code: 'ledger-altered', message: 'the proof is of another session' });
  if (opened.length === 0)
    found.push({ code: 'closed-never-opened', message: 'the ledger has its end and no opening' });
  if (opened.length > 1)
    found.push({ code: 'opened-twice', message: `the ledger has ${opened.length} openings of it` });
  if (ended.length > 1)
    found.push({ code: 'closed-twice', message: `the ledger has ${ended.length} ends of it` });
  const endedAt = session.outcome?.endedAt;
  if (endedAt !== undefined && ended.length === 0 && now() - Date.parse(endedAt) > ENTERED_WITHIN_MS)
    found.push({
      code: 'close-unlisted',
      message: 'the API says that it has ended, and its end is not in the ledger',
    });
  if (endedAt === undefined && ended.length > 0)
    found.push({
      code: 'close-missing',
      message: 'its end is in the ledger, and the API says that it is open',
    });
  return found;
}

async function replaced(
  { id }: Session,
  leaves: readonly StatementLeaf[],
  { api, signal }: AuditPorts,
): Promise<readonly Found[]> {
  const links = await EvidenceLinks.ask(api, { session: id, purpose: 'replay' }, location.origin, signal);
  const found = [];
  for (const { kind, statement } of leaves) {
    const name = kind === 'session-opened' ? OPEN : CLOSE;
    const size = links.objects.get(name)?.size;
    if (size === undefined) {
      const code = name === OPEN ? 'session-missing' : 'close-missing';
      found.push({ code, message: `${name} is in the ledger and not in the store` } as const);
      continue;
    }
    const hash = size > STATEMENT_MAX_BYTES ? 'nothing' : await hashOf(links, name, signal);
    if (hash === statement) continue;
    const message = `${name} is not the one that was entered: it hashes to ${hash.slice(0, 16)}…, the ledger has ${statement.slice(0, 16)}…`;
    found.push({ code: 'statement-replaced', message } as const);
  }
  return found;
}

async function hashOf(links: EvidenceLinks, name: string, signal: AbortSignal): Promise<string> {
  return webSha256(new Uint8Array(await (await links.fetch(name, signal)).arrayBuffer()));
}

function isEnd({ kind }: StatementLeaf): boolean {
  return kind !== 'session-opened';
}
