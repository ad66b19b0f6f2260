import { createHash } from 'node:crypto';
import { type Person, personOf } from '../access/person.ts';
import { CustodyError } from '../errors.ts';
import type { Actor, ClaimValue } from '../identity/principal.ts';
import { leafBytes } from '../ledger/leaf.ts';
import { endedLeaf, type LeafSink, openedLeaf } from '../ledger/leaves.ts';
import { sideBySide } from '../side-by-side.ts';
import { type CloseStatement, type OpenStatement, STATEMENT_MAX_BYTES } from './format.ts';
import { CLOSE, OPEN, signatureName } from './layout.ts';
import type { OwnPuts } from './own-puts.ts';
import type { Signer } from './ports.ts';

/** SHA-256 in lower-case hexadecimal. */
export function sha256Hex(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** The statement's bytes: what is signed and stored. Throws `internal` when it would not fit FORMAT.md's limit. */
export function statementBytes(statement: OpenStatement | CloseStatement): Uint8Array {
  const bytes = Buffer.from(`${JSON.stringify(statement, null, 1)}\n`);
  if (bytes.byteLength > STATEMENT_MAX_BYTES) {
    throw new CustodyError('internal', 'the session could not be opened', {
      detail: `${statement.type} is ${bytes.byteLength} bytes, more than ${STATEMENT_MAX_BYTES}`,
    });
  }
  return bytes;
}

/** A statement and its signature, as they are stored: made once, however often storing them has to be tried. */
export interface SignedStatement<T> {
  readonly statement: T;
  readonly bytes: Uint8Array;
  readonly signature: Uint8Array;
}

export async function signStatement<T extends OpenStatement | CloseStatement>(
  statement: T,
  signer: Signer,
): Promise<SignedStatement<T>> {
  const bytes = statementBytes(statement);
  return { statement, bytes, signature: await signer.sign(bytes) };
}

/** Stores a session's objects. */
type Puts = Pick<OwnPuts, 'put' | 'putEntered'>;

/**
 * Stores `open.json` and its signature side by side, and enters it into the ledger once both are there. One that stands alone is
 * of a session that was never open: nothing has reached the target, and recovery never signs an opening that it did not make.
 */
export async function storeOpen(
  { statement, bytes, signature }: SignedStatement<OpenStatement>,
  puts: Puts,
  leaves: LeafSink,
): Promise<void> {
  const leaf = leafBytes(openedLeaf(statement, bytes));
  const objects = [[signatureName(OPEN), signature] as const, [OPEN, bytes] as const] as const;
  if (await puts.putEntered(objects, leaf)) return;
  await sideBySide(puts.put(...objects[0]), puts.put(...objects[1]));
  await leaves.add(leaf);
}

/**
 * Stores `close.json`, then its signature, while it is entered into the ledger. The statement goes first: if the gateway dies before
 * the others are durable, the sealer checks the statement against the chain, signs it, and enters the very same leaf.
 */
export async function storeClose(
  { statement, bytes, signature }: SignedStatement<CloseStatement>,
  puts: Puts,
  leaves: LeafSink,
): Promise<void> {
  const leaf = leafBytes(endedLeaf(statement, bytes));
  const objects = [[CLOSE, bytes] as const, [signatureName(CLOSE), signature] as const];
  if (await puts.putEntered(objects, leaf)) return;
  await puts.put(CLOSE, bytes);
  await sideBySide(puts.put(signatureName(CLOSE), signature), leaves.add(leaf));
}

/** OpenID Connect Core 1.0 section 2: a subject is at most 255 ASCII characters. */
const SUBJECT_MAX = 255;
/** RFC 3696 erratum 1690: 254 for the address; twice that for what issuers make of it. */
const EMAIL_MAX = 320;
const ISSUER_MAX = 512;

/** What there is room for in the statement of actors, claims and groups together, and of what else may be absent. */
const ROOM = 906;
/** Of that, what actors leave: where there is no task the rest is room for the longest account. */
const RESERVED = 52;
const CLAIMS_MAX = 512;

/** A principal as the open statement names it. */
export interface RecordedPrincipal {
  readonly issuer: string;
  readonly issuerName?: string;
  readonly subject: string;
  readonly email?: string;
  readonly actors?: Actor[];
  readonly claims?: Record<string, string | string[]>;
  readonly claimsOmitted?: number;
  readonly leeway?: number;
  readonly groups: string[];
  readonly groupsOmitted: number;
}

/** What a statement says of a principal. */
interface Recordable extends Person {
  readonly issuerName?: string;
  readonly groups: readonly string[];
  readonly claims?: Readonly<Record<string, ClaimValue>>;
  readonly leeway?: number;
}

/**
 * Who the session belongs to, small enough for the statement. Groups and claims may be left out, as FORMAT.md says; an identity
 * never is cut, since two people could then look the same, and neither is who acts for them: throws `token-invalid` when one is
 * too long, or is not text that every reader of the evidence reads alike.
 */
export function recordedPrincipal(principal: Recordable): RecordedPrincipal {
  return principalIn(ROOM, principal);
}

/** What a session is of: a task of a run, and the trace of whoever orchestrates it. */
type Belonging = Pick<OpenStatement, 'task' | 'trace'>;

/**
 * The same in a statement that names a task and a trace as well. The trace is the first to be left out, before anything of the principal
 * is; the task never is. Throws as `recordedPrincipal` does, where the task leaves too little room for who acts.
 */
export function recordedTogether(
  principal: Recordable,
  { task, trace }: Belonging,
): { readonly principal: RecordedPrincipal } & Belonging {
  const named = task === undefined ? {} : { task };
  const room = ROOM - sizeOf(named);
  const recorded = principalIn(room, principal);
  const isCut = recorded.groupsOmitted > 0 || recorded.claimsOmitted !== undefined;
  const traced = trace === undefined || isCut ? {} : { trace };
  const fits = takes(recorded) + sizeOf(traced) <= room;
  return { principal: recorded, ...named, ...(fits ? traced : {}) };
}

/** What of the room a principal takes. */
function takes({ issuerName, actors, claims, leeway, groups }: RecordedPrincipal): number {
  const others = Object.entries({ issuerName, actors, claims, leeway }).filter(
    ([, value]) => value !== undefined,
  );
  return sizeOf(Object.fromEntries(others)) + groups.reduce((sum, group) => sum + groupBytes(group), 0);
}

function principalIn(most: number, principal: Recordable): RecordedPrincipal {
  const { issuer, subject, email, actors } = personOf(principal);
  const { issuerName, groups, leeway } = principal;
  refuseUnrecordable('issuer', issuer, ISSUER_MAX);
  refuseUnrecordable('subject', subject, SUBJECT_MAX);
  if (email !== undefined) refuseUnrecordable('e-mail address', email, EMAIL_MAX);
  const acting = actors === undefined ? {} : { actors: boundActors(actors, most - RESERVED) };
  const named = issuerName === undefined ? {} : { issuerName };
  const early = leeway === undefined ? {} : { leeway };
  const room = most - sizeOf({ ...named, ...acting, ...early });
  const claims = boundClaims(principal.claims, Math.min(CLAIMS_MAX, room));
  return {
    issuer,
    ...named,
    subject,
    ...(email === undefined ? {} : { email }),
    ...acting,
    ...claims,
    ...early,
    ...boundGroups(groups, room - sizeOf(claims)),
  };
}

/** All of them or none: whoever acts is part of who it is. */
function boundActors(actors: readonly Actor[], maxBytes: number): Actor[] {
  for (const { issuer, subject } of actors) {
    refuseUnrecordable('issuer of an actor', issuer, ISSUER_MAX);
    refuseUnrecordable('subject of an actor', subject, SUBJECT_MAX);
  }
  if (sizeOf({ actors }) <= maxBytes) return [...actors];
  throw unrecordable('chain of actors', `is longer than ${maxBytes} bytes`);
}

/** As many claims as fit, each whole, and how many were left out. A claim that the token does not have is none. */
function boundClaims(
  claims: Readonly<Record<string, ClaimValue>> = {},
  maxBytes: number,
): Pick<RecordedPrincipal, 'claims' | 'claimsOmitted'> {
  const said = Object.entries(claims).filter(([, value]) => typeof value === 'string' || value.length > 0);
  let kept: [string, string | string[]][] = [];
  for (const [name, value] of said) {
    if (!isRecordable(name, value)) continue;
    const longer: typeof kept = [...kept, [name, typeof value === 'string' ? value : [...value]]];
    const size = sizeOf({ claims: Object.fromEntries(longer), claimsOmitted: said.length });
    if (size <= maxBytes) kept = longer;
  }
  const omitted = said.length - kept.length;
  return {
    ...(kept.length === 0 ? {} : { claims: Object.fromEntries(kept) }),
    ...(omitted === 0 ? {} : { claimsOmitted: omitted }),
  };
}

/** No reader of the evidence takes a member that is called `__proto__`. */
function isRecordable(name: string, value: ClaimValue): boolean {
  return name !== '__proto__' && [name, value].flat().every((text) => text.isWellFormed());
}

/** What these members take inside of the statement, with their line feeds and indents. */
function sizeOf(members: object): number {
  const text = JSON.stringify({ principal: members }, null, 1);
  return Object.keys(members).length === 0 ? 0 : Buffer.byteLength(text) - EMPTY;
}

const EMPTY = Buffer.byteLength(JSON.stringify({ principal: {} }, null, 1));

function refuseUnrecordable(what: string, text: string, maxBytes: number): void {
  if (jsonBytes(text) <= maxBytes && text.isWellFormed()) return;
  throw unrecordable(what, text.isWellFormed() ? `is longer than ${maxBytes} bytes` : 'is not Unicode text');
}

function unrecordable(what: string, problem: string): CustodyError {
  return new CustodyError('token-invalid', `the ${what} in the token ${problem} and cannot be recorded`, {
    hint: 'nothing runs unrecorded; tell whoever runs the identity provider',
  });
}

/** As many groups as fit in `maxBytes` of JSON, and how many were left out. */
export function boundGroups(
  groups: readonly string[],
  maxBytes = ROOM,
): { groups: string[]; groupsOmitted: number } {
  const kept: string[] = [];
  let used = 0;
  for (const group of groups) {
    const size = groupBytes(group);
    if (used + size > maxBytes || !group.isWellFormed()) continue;
    used += size;
    kept.push(group);
  }
  return { groups: kept, groupsOmitted: groups.length - kept.length };
}

/** With its quotes, comma, line feed and indent. */
function groupBytes(group: string): number {
  return jsonBytes(group) + 8;
}

/** A client's own words, cut to `maxBytes` of UTF-8 JSON so that a statement stays inside its limit. */
export function boundText(text: string, maxBytes = 48): string {
  let cut = '';
  let used = 0;
  for (const character of text.toWellFormed()) {
    used += jsonBytes(character);
    if (used > maxBytes) break;
    cut += character;
  }
  return cut;
}

/** What a text takes inside the quotes of a JSON string. */
function jsonBytes(text: string): number {
  return Buffer.byteLength(JSON.stringify(text)) - 2;
}
