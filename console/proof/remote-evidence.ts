/** A session's evidence at the gateway, as a folder: an object is fetched when it is asked for, the segment after it meanwhile, and none is kept. */
import { CustodyError } from '#core/errors.ts';
import { proofFile } from '#core/ledger/proof-file.ts';
import type { SessionProof } from '#core/ledger/session-proof.ts';
import { CLOSE, LEDGER_PROOF, SIGNER_KEY, segmentName, segmentNumber } from '#core/recording/layout.ts';
import type { EvidenceFolder } from '#core/recording/verify/folder.ts';
import { asProblem } from '../api/problem.ts';
import { type EvidenceLinks, sizeOf } from './evidence-links.ts';
import { wholeBody } from './whole-body.ts';

interface Given {
  readonly links: EvidenceLinks;
  readonly pem: string;
  /** The ledger's proof as the API answers it; undefined where there is none yet. */
  readonly proof: SessionProof | undefined;
  readonly signal: AbortSignal;
}

export class RemoteEvidence implements EvidenceFolder {
  readonly #links: EvidenceLinks;
  readonly #signal: AbortSignal;
  /** What the API does not list, and a folder would have. */
  readonly #added = new Map<string, Uint8Array>();
  readonly #ahead = new Map<string, Promise<Uint8Array>>();
  #failure: Error | undefined;
  #fetched = 0;

  constructor({ links, pem, proof, signal }: Given) {
    this.#links = links;
    this.#signal = signal;
    this.#add(SIGNER_KEY, pem);
    this.#add(LEDGER_PROOF, proof && proofFile(proof, links.objects.has(CLOSE)));
  }

  /** Bytes that came so far, and all there are. */
  get progress(): { readonly bytes: number; readonly of: number } {
    return { bytes: this.#fetched, of: sizeOf(this.#links) };
  }

  /** Throws what kept an object from being fetched: that is no fault of the evidence, and no verdict is one without it. */
  throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  list(): Promise<readonly string[]> {
    return Promise.resolve([...this.#links.objects.keys(), ...this.#added.keys()]);
  }

  async get(name: string, atMost: number): Promise<Uint8Array> {
    const added = this.#added.get(name);
    if (added !== undefined) return added;
    const bytes = await (this.#ahead.get(name) ?? this.#fetch(name, atMost));
    this.#ahead.delete(name);
    this.#fetched += bytes.length;
    const number = segmentNumber(name);
    if (number !== undefined) this.#fetchAhead(segmentName(number + 1), atMost);
    return bytes;
  }

  #add(name: string, text: string | undefined): void {
    if (text !== undefined && !this.#links.objects.has(name))
      this.#added.set(name, new TextEncoder().encode(text));
  }

  #fetchAhead(name: string, atMost: number): void {
    if (!this.#links.objects.has(name)) return;
    const fetched = this.#fetch(name, atMost);
    fetched.catch(() => undefined);
    this.#ahead.set(name, fetched);
  }

  async #fetch(name: string, atMost: number): Promise<Uint8Array> {
    const { size } = this.#links.objects.get(name)!;
    if (size > atMost) throw new CustodyError('format-invalid', `${name} has ${size} bytes`);
    try {
      return await wholeBody(await this.#links.fetch(name, this.#signal), { name, size });
    } catch (thrown) {
      this.#failure ??= asProblem(thrown);
      throw thrown;
    }
  }
}
