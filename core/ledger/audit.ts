/** Holds the whole ledger against the whole store: what is missing, unsealed, unlisted or altered. */
import { asCustodyError } from '../errors.ts';
import { CLOSE, OPEN, sessionPrefix, signatureName } from '../recording/layout.ts';
import type { RecordingSource } from '../recording/ports.ts';
import { sha256Hex } from '../recording/statements.ts';
import { storedEvidence } from '../recording/stored-evidence.ts';
import { type VerifyReport, verifyEvidence } from '../recording/verify/verify.ts';
import type { Checkpoint } from './checkpoint.ts';
import { type Leaf, parseLeaf } from './leaf.ts';
import { proveConsistency, visitEntries } from './reader.ts';
import type { FetchTile } from './tree.ts';

/** A leaf is in a checkpoint within 60 s (FORMAT.md): what is younger may be missing from the ledger. */
const ENTERED_WITHIN_MS = 60_000;

export interface AuditInput {
  /** Opened under the trusted signer's key. */
  readonly checkpoint: Checkpoint;
  readonly fetch: FetchTile;
  readonly store: RecordingSource;
  /** SubjectPublicKeyInfo, DER. */
  readonly signer: Uint8Array;
  readonly now: Date;
  /** Sessions that began in this time are audited; the ledger is always walked whole. */
  readonly from?: Date;
  readonly to?: Date;
  /** A checkpoint that the auditor kept. */
  readonly since?: Checkpoint;
  /** How long a session may be open before it must be sealed, milliseconds. */
  readonly sealDeadlineMs: number;
  readonly onProgress?: (done: number, of: number) => void;
}

export type AuditCode =
  | 'ledger-altered'
  | 'ledger-rolled-back'
  | 'ledger-forked'
  | 'leaf-malformed'
  | 'session-missing'
  | 'session-unlisted'
  | 'session-unsealed'
  | 'session-altered'
  | 'statement-replaced'
  | 'opened-twice'
  | 'closed-twice'
  | 'closed-never-opened'
  | 'close-unlisted'
  | 'close-missing';

export interface AuditFinding {
  readonly code: AuditCode;
  /** The session it is about; undefined for the ledger itself. */
  readonly session?: string;
  readonly message: string;
}

export interface AuditReport {
  readonly findings: readonly AuditFinding[];
  readonly facts: {
    readonly size: number;
    /** Leaves by kind; kinds of later versions under `other`. */
    readonly leaves: Readonly<Record<string, number>>;
    readonly sessions: number;
    readonly verified: number;
    /** Open, and not past the deadline. */
    readonly live: number;
    /** Died before they were open: nothing reached their target. */
    readonly neverOpened: number;
    /** So young that their leaf may still be on its way. */
    readonly pending: number;
    readonly grewFrom?: number;
  };
}

type Opened = Extract<Leaf, { kind: 'session-opened' }>;
type Ended = Extract<Leaf, { kind: 'session-closed' | 'session-recovered' }>;

/** What the ledger says of one session. Leaves that are the same count once. */
interface Listed {
  readonly opened: Map<string, Opened>;
  readonly ended: Map<string, Ended>;
}

/** Rejects only with what the store rejects with beyond `not-found`. One finding never hides another. */
export async function auditLedger(input: AuditInput): Promise<AuditReport> {
  const audit = new Audit(input);
  await audit.checkGrowth();
  await audit.walkLedger();
  await audit.walkStore();
  return audit.report();
}

class Audit {
  readonly #input: AuditInput;
  readonly #findings: AuditFinding[] = [];
  readonly #listed = new Map<string, Listed>();
  readonly #leaves: Record<string, number> = {};
  readonly #counts = { sessions: 0, verified: 0, live: 0, neverOpened: 0, pending: 0 };

  constructor(input: AuditInput) {
    this.#input = input;
  }

  report(): AuditReport {
    const { checkpoint, since } = this.#input;
    const grewFrom = since === undefined ? {} : { grewFrom: since.size };
    return {
      findings: this.#findings,
      facts: { size: checkpoint.size, leaves: this.#leaves, ...this.#counts, ...grewFrom },
    };
  }

  /** The ledger only grew since the auditor's own checkpoint. */
  async checkGrowth(): Promise<void> {
    const { since, checkpoint, fetch } = this.#input;
    if (since === undefined) return;
    await proveConsistency(since, checkpoint, fetch).catch((error: unknown) => {
      const code = since.size > checkpoint.size ? 'ledger-rolled-back' : 'ledger-forked';
      this.#find(code, undefined, asCustodyError(error).message);
    });
  }

  /** Every leaf, whole and under the checkpoint's root. */
  async walkLedger(): Promise<void> {
    const { checkpoint, fetch } = this.#input;
    await visitEntries(checkpoint, fetch, (entry, index) => this.#take(entry, index)).catch(
      (error: unknown) => this.#find('ledger-altered', undefined, asCustodyError(error).message),
    );
  }

  #take(entry: Uint8Array, index: number): void {
    let leaf: Leaf | undefined;
    try {
      leaf = parseLeaf(entry);
    } catch (error) {
      this.#find('leaf-malformed', undefined, `leaf ${index}: ${asCustodyError(error).message}`);
    }
    const kind = leaf?.kind ?? 'other';
    this.#leaves[kind] = (this.#leaves[kind] ?? 0) + 1;
    if (leaf?.kind === 'session-opened') this.#of(leaf.session).opened.set(leaf.statement, leaf);
    if (leaf?.kind === 'session-closed' || leaf?.kind === 'session-recovered')
      this.#of(leaf.session).ended.set(leaf.statement, leaf);
  }

  #of(session: string): Listed {
    const known = this.#listed.get(session) ?? { opened: new Map(), ended: new Map() };
    this.#listed.set(session, known);
    return known;
  }

  /** Every session that the ledger or the store knows. */
  async walkStore(): Promise<void> {
    const { store, onProgress } = this.#input;
    const stored = await store.list('sessions/');
    const all = [...new Set([...this.#listed.keys(), ...stored])].filter((id) => this.#isAsked(id)).sort();
    for (const [done, session] of all.entries()) {
      this.#counts.sessions += 1;
      await this.#checkSession(session);
      onProgress?.(done + 1, all.length);
    }
  }

  #isAsked(session: string): boolean {
    const { from, to } = this.#input;
    const at = startOf(session);
    if (at === undefined) return true;
    return (from === undefined || at >= from.getTime()) && (to === undefined || at < to.getTime());
  }

  async #checkSession(session: string): Promise<void> {
    const names = await this.#input.store.list(sessionPrefix(session));
    const { opened, ended } = this.#listed.get(session) ?? { opened: new Map(), ended: new Map() };
    if (opened.size === 0) this.#checkUnlisted(session, names, ended.size > 0);
    if (opened.size > 1) this.#find('opened-twice', session, `the ledger has ${opened.size} openings of it`);
    if (ended.size > 1) this.#find('closed-twice', session, `the ledger has ${ended.size} ends of it`);
    if (names.length === 0) {
      if (opened.size > 0)
        this.#find('session-missing', session, 'it is in the ledger, and nothing of it is in the store');
      return;
    }
    await this.#checkStatement(session, OPEN, names, opened);
    await this.#checkStatement(session, CLOSE, names, ended);
    if (opened.size > 0) this.#checkSealed(session, names, opened, ended);
    if (!onlyStarted(names)) await this.#checkEvidence(session, names);
  }

  #checkUnlisted(session: string, names: readonly string[], isEnded: boolean): void {
    if (isEnded) this.#find('closed-never-opened', session, 'the ledger has its end and no opening');
    else if (onlyStarted(names)) this.#counts.neverOpened += 1;
    else if (this.#isYoung(startOf(session))) this.#counts.pending += 1;
    else this.#find('session-unlisted', session, 'it is in the store, and its opening is not in the ledger');
  }

  /** The statement in the store is the one that was entered: a signature alone could have been made anew. */
  async #checkStatement(
    session: string,
    name: string,
    names: readonly string[],
    leaves: ReadonlyMap<string, Leaf>,
  ): Promise<void> {
    if (leaves.size === 0) return;
    if (!names.includes(name)) {
      const code = name === OPEN ? 'session-missing' : 'close-missing';
      return this.#find(code, session, `${name} is in the ledger and not in the store`);
    }
    const hash = sha256Hex(await this.#input.store.get(sessionPrefix(session) + name));
    if (leaves.has(hash)) return;
    const entered = [...leaves.keys()].map((statement) => statement.slice(0, 16)).join(', ');
    this.#find(
      'statement-replaced',
      session,
      `${name} is not the one that was entered: it hashes to ${hash.slice(0, 16)}…, the ledger has ${entered}…`,
    );
  }

  #checkSealed(
    session: string,
    names: readonly string[],
    opened: ReadonlyMap<string, Opened>,
    ended: ReadonlyMap<string, Ended>,
  ): void {
    if (ended.size > 0) return;
    const { now, sealDeadlineMs } = this.#input;
    const [{ at }] = [...opened.values()] as [Opened];
    const openMs = now.getTime() - Date.parse(at);
    if (names.includes(CLOSE) && !this.#isYoung(Date.parse(at)))
      this.#find('close-unlisted', session, `${CLOSE} is in the store, and its end is not in the ledger`);
    else if (openMs > sealDeadlineMs)
      this.#find('session-unsealed', session, `it was opened ${at} and is not sealed`);
    else if (!names.includes(CLOSE)) this.#counts.live += 1;
  }

  #isYoung(at: number | undefined): boolean {
    return at !== undefined && this.#input.now.getTime() - at < ENTERED_WITHIN_MS;
  }

  async #checkEvidence(session: string, names: readonly string[]): Promise<void> {
    const { store, signer } = this.#input;
    const folder = storedEvidence(store, session, names, signer);
    const report = await verifyEvidence(folder, { trustedSigners: [signer], session });
    const wrong = report.findings.filter(({ code }) => !isOfLiveSession(code, names));
    if (report.verdict === 'verified') this.#counts.verified += 1;
    else if (wrong.length > 0) this.#find('session-altered', session, described(wrong));
  }

  #find(code: AuditCode, session: string | undefined, message: string): void {
    this.#findings.push(session === undefined ? { code, message } : { code, session, message });
  }
}

/** Where an opening failed before it was whole, its signature may stand alone. */
function onlyStarted(names: readonly string[]): boolean {
  return names.every((name) => name === signatureName(OPEN));
}

/** A live session has no close statement. */
function isOfLiveSession(code: string, names: readonly string[]): boolean {
  return code === 'close-missing' && !names.includes(CLOSE);
}

function described(findings: VerifyReport['findings']): string {
  const [first] = findings;
  const more = findings.length > 1 ? ` (and ${findings.length - 1} more)` : '';
  return `${first!.code}: ${first!.message}${more}`;
}

/** When a session began, as its id tells (RFC 9562 section 5.7): milliseconds since 1970. */
function startOf(session: string): number | undefined {
  const [, high, low] = /^([0-9a-f]{8})-([0-9a-f]{4})-7/.exec(session) ?? [];
  return high === undefined ? undefined : Number.parseInt(high + low, 16);
}
