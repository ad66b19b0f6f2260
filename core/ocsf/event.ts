/** An event, and what makes a session's events a chain that nobody alters unseen. */
import { createHash } from 'node:crypto';
import { canonicalJson } from '../tasks/canonical-json.ts';

export const OCSF_VERSION = '1.9.0';

/** An event before it has its place in the chain: without `attestation`. */
export interface BareEvent {
  readonly type_uid: number;
  readonly time: number;
  readonly metadata: { readonly uid: string } & Readonly<Record<string, unknown>>;
  readonly [attribute: string]: unknown;
}

interface Fingerprint {
  readonly algorithm: 'SHA-256';
  readonly algorithm_id: 3;
  readonly encoding: 'Hex';
  readonly encoding_id: 1;
  readonly serialization?: 'JCS';
  readonly serialization_id?: 1;
  readonly value: string;
}

/** https://schema.ocsf.io/1.9.0/objects/attestation: the profile `record_integrity`. */
export interface Attestation {
  /** SHA-256 of the deployment's signing key (SPKI), as statements name it. */
  readonly authority_uid: string;
  /** The session. */
  readonly chain_uid: string;
  readonly prev_event?: {
    readonly uid: string;
    readonly type_uid: number;
    readonly fingerprint: Fingerprint;
  };
  readonly fingerprint: Fingerprint;
  readonly signatures?: readonly Signature[];
}

export interface OcsfEvent extends BareEvent {
  readonly attestation: Attestation;
}

/** A signature that stands in the evidence, and the digest of what it is over. */
export interface SignedDigest {
  /** What was signed: `custody/open/1`. */
  readonly what: string;
  readonly sha256: string;
  readonly at?: string;
}

type Signature = Readonly<Record<string, unknown>>;

/**
 * Gives each event its place: the fingerprint of what was before it is in what its own is of. A fingerprint is the SHA-256 of the
 * event's canonical JSON (RFC 8785), without the fingerprint itself and without signatures.
 */
export class EventChain {
  readonly #of: Pick<Attestation, 'authority_uid' | 'chain_uid'>;
  #previous: Attestation['prev_event'];

  /** `previous`: where it goes on. */
  constructor(session: string, signer: string, previous?: Attestation['prev_event']) {
    this.#of = { authority_uid: signer, chain_uid: session };
    this.#previous = previous;
  }

  /** The last event that was linked: whoever goes on later begins with it. */
  get previous(): Attestation['prev_event'] {
    return this.#previous;
  }

  link(event: BareEvent, signed: readonly SignedDigest[] = []): OcsfEvent {
    const place = { ...this.#of, ...(this.#previous === undefined ? {} : { prev_event: this.#previous }) };
    const fingerprint = canonicalFingerprint({ ...event, attestation: place });
    this.#previous = { uid: event.metadata.uid, type_uid: event.type_uid, fingerprint };
    const signatures = signed.length === 0 ? {} : { signatures: signed.map(signatureOf) };
    return { ...event, attestation: { ...place, fingerprint, ...signatures } };
  }
}

/** What an event's fingerprint has to be, whoever computes it. */
export function fingerprintOf({ attestation, ...event }: OcsfEvent): string {
  const { fingerprint: _own, signatures: _signed, ...place } = attestation;
  return canonicalFingerprint({ ...event, attestation: place }).value;
}

/** What is kept of the event that the next one goes on from. */
export function previousEvent(
  uid: string,
  type_uid: number,
  sha256: string,
): NonNullable<Attestation['prev_event']> {
  return { uid, type_uid, fingerprint: jcsFingerprint(sha256) };
}

/** One line of NDJSON, in the one form that its value has. */
export function eventLine(event: OcsfEvent): string {
  return `${canonicalJson(event)}\n`;
}

function canonicalFingerprint(value: object): Fingerprint {
  return jcsFingerprint(createHash('sha256').update(canonicalJson(value)).digest('hex'));
}

function jcsFingerprint(sha256: string): Fingerprint {
  return { ...hexOf(sha256), serialization: 'JCS', serialization_id: 1 };
}

function hexOf(value: string): Fingerprint {
  return { algorithm: 'SHA-256', algorithm_id: 3, encoding: 'Hex', encoding_id: 1, value };
}

/** The schema has no place for the signature's bytes: they stand beside the statement, as `<statement>.sig`. */
function signatureOf({ what, sha256, at }: SignedDigest): Signature {
  return {
    algorithm: 'ECDSA',
    algorithm_id: 3,
    ...(at === undefined ? {} : { created_time: Date.parse(at) }),
    digest: hexOf(sha256),
    serialization: what,
    serialization_id: 99,
    state: 'Valid',
    state_id: 1,
  };
}
