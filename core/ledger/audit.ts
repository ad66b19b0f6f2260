/** Holds the whole ledger against the whole store: what is missing, unsealed, unlisted or altered. */
import { asCustodyError } from '../errors.ts';
import { STATEMENT_MAX_BYTES } from '../recording/format.ts';
import { CLOSE, OPEN, sessionPrefix, wasNeverOpen } from '../recording/layout.ts';
import type { RecordingSource } from '../recording/ports.ts';
import { sha256Hex } from '../recording/statements.ts';
import { storedEvidence } from '../recording/stored-evidence.ts';
import { type VerifyReport, verifyEvidence } from '../recording/verify/verify.ts';
import { type AuditCode, type AuditFinding, AuditFindings } from './audit-findings.ts';
import { isSessionName, reportStrays } from './audit-names.ts';
import { type Walked, walkLedger } from './audit-tiles.ts';
import type { Checkpoint } from './checkpoint.ts';
import { type Leaf, parseLeaf } from './leaf.ts';
import { proveConsistency } from './reader.ts';
import { fetchStaged, type IsUnfinished, StagedTiles } from './staged-tiles.ts';

/** A leaf is in a checkpoint within 60 s (FORMAT.md): what is younger may be missing from the ledger. */
const ENTERED_WITHIN_MS = 60_000;

export type { AuditCode, AuditFinding } from './audit-findings.ts';

export interface AuditInput {
  /** Opened under the trusted signer's key. */
  readonly checkpoint: Checkpoint;
  readonly store: RecordingSource;
  /** Absent where nobody can ask the queue. */
  readonly isUnfinished?: IsUnfinished;
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
    /** Tiles of the newest commit that were read where it staged them, as its sequencer has yet to put them in their places. */
    readonly unplaced?: number;
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

/** Rejects only when the store cannot be reached. One finding never hides another: an odd object is named, and all else audited. */
export async function auditLedger(input: AuditInput): Promise<AuditReport> {
  const audit = new Audit(input);
  await audit.checkGrowth();
  await audit.walkLedger();
  await audit.checkNames();
  await audit.walkStore();
  return audit.report();
}

class Audit {
  readonly #input: AuditInput;
  readonly #findings = new AuditFindings();
  readonly #staged: StagedTiles;
  readonly #listed = new Map<string, Listed>();
  readonly #leaves: Record<string, number> = {};
  #walked: Walked = { sawAll: false, unplaced: 0 };
  readonly #counts = { sessions: 0, verified: 0, live: 0, neverOpened: 0, pending: 0 };

  constructor(input: AuditInput) {
    this.#input = input;
    this.#staged = new StagedTiles(input.checkpoint, input.store, input.isUnfinished);
  }

  report(): AuditReport {
    const { checkpoint, since } = this.#input;
    const { unplaced } = this.#walked;
    const more = {
      ...(unplaced > 0 && { unplaced }),
      ...(since !== undefined && { grewFrom: since.size }),
    };
    return {
      findings: this.#findings.all(),
      facts: { size: checkpoint.size, leaves: this.#leaves, ...this.#counts, ...more },
    };
  }

  /** The ledger only grew since the auditor's own checkpoint. */
  async checkGrowth(): Promise<void> {
    const { since, checkpoint, store } = this.#input;
    if (since === undefined) return;
    await proveConsistency(since, checkpoint, fetchStaged(store, this.#staged)).catch((error: unknown) => {
      const { code, message } = asCustodyError(error);
      if (code === 'store-unavailable') throw error;
      const grew = since.size > checkpoint.size ? 'ledger-rolled-back' : 'ledger-forked';
      // A tile that is missing or odd, which the walk names, is no fork: with it the proof may hold.
      if (code === 'ledger-altered') this.#find(grew, undefined, message);
      else this.#find('ledger-altered', undefined, `whether the ledger grew cannot be said: ${message}`);
    });
  }

  /** Every leaf, and every tile over them, under the checkpoint's root. */
  async walkLedger(): Promise<void> {
    const { checkpoint, store } = this.#input;
    this.#walked = await walkLedger(
      checkpoint,
      store,
      this.#findings,
      (entry, index) => this.#take(entry, index),
      this.#staged,
    );
  }

  /** Nothing is in the store that has no place there. */
  async checkNames(): Promise<void> {
    await reportStrays(this.#input.checkpoint.size, this.#input.store, this.#findings);
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
    // What stands there in place of a folder was named among the strays.
    const names = await store.list('sessions/').catch((error: unknown) => {
      if (asCustodyError(error).code === 'store-unavailable') throw error;
      return [];
    });
    const stored = names.filter(isSessionName);
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
    const prefix = sessionPrefix(session);
    const names = await this.#reading(session, prefix, () => this.#input.store.list(prefix));
    if (names === undefined) return;
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
    if (opened.size > 0 || !wasNeverOpen(names)) await this.#checkEvidence(session, names);
    else
      for (const name of names)
        await this.#reading(session, prefix + name, () => this.#input.store.size(prefix + name));
  }

  #checkUnlisted(session: string, names: readonly string[], isEnded: boolean): void {
    if (isEnded) this.#find('closed-never-opened', session, `${this.#ledger} has its end and no opening`);
    else if (wasNeverOpen(names)) this.#counts.neverOpened += 1;
    else if (this.#isYoung(startOf(session))) this.#counts.pending += 1;
    else
      this.#find(
        'session-unlisted',
        session,
        `it is in the store, and its opening is not in ${this.#ledger}`,
      );
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
    const key = sessionPrefix(session) + name;
    const bytes = await this.#reading(session, key, () => this.#input.store.get(key, STATEMENT_MAX_BYTES));
    const hash = bytes && sha256Hex(bytes);
    if (hash === undefined || leaves.has(hash)) return;
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

  /** Where entries are gone, what they said is not known. */
  get #ledger(): string {
    return this.#walked.sawAll ? 'the ledger' : 'what is left of the ledger';
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

  #reading<T>(session: string, key: string, read: () => Promise<T>): Promise<T | undefined> {
    return this.#findings.reading(key, read, 'object-unreadable', session);
  }

  #find(code: AuditCode, session: string | undefined, message: string): void {
    this.#findings.add(code, session, message);
  }
}

/** A live session has no close statement. */
function isOfLiveSession(code: string, names: readonly string[]): boolean {
  return code === 'close-missing' && !names.includes(CLOSE);
}

const DESCRIBED_MAX = 10;

function described(findings: VerifyReport['findings']): string {
  const named = findings.slice(0, DESCRIBED_MAX).map(({ code, message }) => `${code}: ${message}`);
  const more = findings.length > DESCRIBED_MAX ? ` (and ${findings.length - DESCRIBED_MAX} more)` : '';
  return `${named.join('; ')}${more}`;
}

/** When a session began, as its id tells (RFC 9562 section 5.7): milliseconds since 1970. */
function startOf(session: string): number | undefined {
  const [, high, low] = /^([0-9a-f]{8})-([0-9a-f]{4})-7/.exec(session) ?? [];
  return high === undefined ? undefined : Number.parseInt(high + low, 16);
}
