import type { KeyObject } from 'node:crypto';
import { type Person, personOf } from '../access/person.ts';
import { asCustodyError } from '../errors.ts';
import type { LeafSink } from '../ledger/leaves.ts';
import { once } from '../once.ts';
import { sideBySide } from '../side-by-side.ts';
import type { CloseStatement, OpenStatement } from './format.ts';
import { OPEN } from './layout.ts';
import type { OwnPuts } from './own-puts.ts';
import type { Signer } from './ports.ts';
import type { SessionIndex, SessionOutcome } from './session-index.ts';
import { type SignedStatement, sha256Hex, signStatement, storeClose, storeOpen } from './statements.ts';

/** What the gateway knows of a session before the recorder adds its keys. */
export type Opening = Omit<OpenStatement, 'type' | 'recorder' | 'journal' | 'signer'> & {
  /** Whose approvals its grant came of: for lists, and in no statement, which names the grant. */
  readonly approvedBy?: readonly Person[];
};

interface EndPorts {
  readonly signer: Signer;
  readonly index: SessionIndex;
  readonly leaves: LeafSink;
}

/** Public keys that vouch for what is recorded: the session's, and the one that vouches for its tail in the journal. */
interface NamedKeys {
  readonly recorder: KeyObject;
  /** SubjectPublicKeyInfo, DER, in base64. */
  readonly journal: string;
}

/** The beginning of a session's evidence. One that failed may have got anywhere: what it left is brought to an end. */
export class SessionOpening {
  readonly stored: OwnPuts;
  readonly #opening: Opening;
  readonly #keys: NamedKeys;
  #signed: SignedStatement<OpenStatement> | undefined;
  #closing: SessionClosing | undefined;

  constructor(opening: Opening, keys: NamedKeys, stored: OwnPuts) {
    this.#opening = opening;
    this.#keys = keys;
    this.stored = stored;
  }

  /** Lists the session while its opening is signed, then stores that. Resolves with the statement's hash, where the chain begins. */
  async store(ports: EndPorts): Promise<string> {
    const listed = ports.index.opened(indexRecord(this.#opening));
    const [, signed] = await sideBySide(listed, this.#sign(ports.signer));
    this.#signed = signed;
    return this.#storeSigned(ports.leaves, signed);
  }

  /**
   * Nobody waits for it any more, and nothing has reached the target. Where `open.json` may be in the store, the session is
   * opened and closed with nothing in it; else no more than its line in the list is ended.
   */
  async giveUp(ports: EndPorts, mayContinue: () => void): Promise<SessionOutcome> {
    mayContinue();
    if (this.#signed === undefined || !this.stored.mayHave(OPEN)) return this.#unlist(ports.index);
    const open = await this.#storeSigned(ports.leaves, this.#signed);
    mayContinue();
    const statement = emptyClose(this.#signed.statement, open);
    this.#closing ??= new SessionClosing(() => signStatement(statement, ports.signer), this.stored);
    return this.#closing.store(ports);
  }

  async #storeSigned(leaves: LeafSink, signed: SignedStatement<OpenStatement>): Promise<string> {
    await storeOpen(signed, this.stored, leaves);
    return sha256Hex(signed.bytes);
  }

  async #unlist(index: SessionIndex): Promise<SessionOutcome> {
    const { session, startedAt } = this.#opening;
    const outcome = { endedAt: startedAt, reason: 'gateway-failed', recovered: true, ...NOTHING } as const;
    await closeInList(index, session, outcome);
    return outcome;
  }

  async #sign(signer: Signer): Promise<SignedStatement<OpenStatement>> {
    return signStatement(await this.#statement(signer), signer);
  }

  async #statement(signer: Signer): Promise<OpenStatement> {
    const { approvedBy: _listed, ...opening } = this.#opening;
    return {
      type: 'custody/open/1',
      ...opening,
      recorder: spkiOf(this.#keys.recorder).toString('base64'),
      journal: this.#keys.journal,
      signer: sha256Hex(await signer.publicKey()),
    };
  }
}

/** SubjectPublicKeyInfo of an Ed25519 key, but for the key (RFC 8410 section 4). */
const ED25519_SPKI = Buffer.from('302a300506032b6570032100', 'hex');

/** As `export({ type: 'spki' })` has it, for which OpenSSL takes as long as to make the key. */
function spkiOf(key: KeyObject): Buffer {
  return Buffer.concat([ED25519_SPKI, Buffer.from(key.export({ format: 'jwk' }).x!, 'base64url')]);
}

/** The end of a session's evidence. */
export class SessionClosing {
  readonly #signed: () => Promise<SignedStatement<CloseStatement>>;
  readonly #stored: OwnPuts;

  /** `sign` is asked until it succeeds, and then never again. */
  constructor(sign: () => Promise<SignedStatement<CloseStatement>>, stored: OwnPuts) {
    this.#signed = once(sign);
    this.#stored = stored;
  }

  /** For while the last segments are on their way to the store: nothing that was signed goes anywhere before they are there. */
  async sign(): Promise<void> {
    await this.#signed();
  }

  /** The segments are stored. Whatever an earlier try has done is not done again, or not to an effect. */
  async store({ index, leaves }: Omit<EndPorts, 'signer'>): Promise<SessionOutcome> {
    const signed = await this.#signed();
    await storeClose(signed, this.#stored, leaves);
    const outcome = outcomeOf(signed.statement);
    await index.closed(signed.statement.session, outcome);
    return outcome;
  }
}

const NOTHING = { segments: 0, frames: 0, bytes: 0 } as const;

function emptyClose({ session, startedAt, signer }: OpenStatement, open: string): CloseStatement {
  return {
    type: 'custody/close/1',
    session,
    endedAt: startedAt,
    reason: 'gateway-failed',
    recovered: false,
    recordedUntil: 0,
    ...NOTHING,
    open,
    last: open,
    signer,
    detail: 'the opening could not be stored in time, and nothing reached the target',
  };
}

/** As lists show it. */
function indexRecord(opening: Opening): Parameters<SessionIndex['opened']>[0] {
  const { address, application } = opening.client;
  const { login } = opening.target;
  const { task, approvedBy = [] } = opening;
  const { rule, request } = opening.grant;
  return {
    id: opening.session,
    startedAt: opening.startedAt,
    principal: personOf(opening.principal),
    target: opening.target.name,
    protocol: opening.target.protocol,
    ...(login === undefined ? {} : { login }),
    rule,
    ...(request === undefined ? {} : { grant: request }),
    ...(approvedBy.length === 0 ? {} : { approvedBy }),
    task: opening.gateway.task,
    ...(task === undefined ? {} : { run: { id: task.run, workflow: task.workflow, task: task.name } }),
    client: application === undefined ? { address } : { address, application },
  };
}

/** The outcome a close statement tells. */
export function outcomeOf(statement: CloseStatement): SessionOutcome {
  const { endedAt, reason, recovered, segments, frames, bytes } = statement;
  return { endedAt, reason, recovered, segments, frames, bytes };
}

/** An index that was lost and made anew does not know the session; its evidence is sealed all the same. */
export async function closeInList(
  index: SessionIndex,
  session: string,
  outcome: SessionOutcome,
): Promise<void> {
  await index.closed(session, outcome).catch((error: unknown) => {
    if (asCustodyError(error).code !== 'not-found') throw error;
  });
}
