import { asCustodyError, CustodyError } from '#core/errors.ts';
import { proofFile } from '#core/ledger/proof-file.ts';
import type { SessionProof } from '#core/ledger/session-proof.ts';
import { CLOSE, LEDGER_PROOF, SIGNER_KEY, segmentName, segmentNumber } from '#core/recording/layout.ts';
import type { EvidenceFolder } from '#core/recording/verify/verify.ts';
import { type Api, getLedgerProof } from '../api.ts';
import type { EvidenceObject } from '../api-shapes.ts';
import { boundedBody } from '../http.ts';
import type { PublicSigner } from '../signer-pin.ts';
import { fetchObject } from './download.ts';
import { evidencePages, PageAddresses, type Wanted } from './pages.ts';

/**
 * A session's evidence at the server, as `downloadEvidence` would put it into a folder, without the folder: an object is
 * fetched when it is asked for, and the segment after it meanwhile. Nothing is kept: two segments are in memory at most.
 */
export class RemoteFolder implements EvidenceFolder {
  readonly #api: Api;
  readonly #objects = new Map<
    string,
    { readonly object: EvidenceObject; readonly addresses: PageAddresses }
  >();
  /** What the server does not list, and a folder would have. */
  readonly #added = new Map<string, Uint8Array>();
  readonly #ahead = new Map<string, Promise<Uint8Array>>();
  #failure: CustodyError | undefined;

  private constructor(api: Api) {
    this.#api = api;
  }

  /** Lists it, and checks the whole listing before the first byte is fetched. `takeProof` may refuse a proof by throwing. */
  static async open(
    api: Api,
    wanted: Wanted,
    signer: PublicSigner,
    takeProof: (proof: SessionProof, isWhole: boolean) => void,
  ): Promise<RemoteFolder> {
    const folder = new RemoteFolder(api);
    for await (const page of evidencePages(api, wanted)) {
      const addresses = new PageAddresses(api, wanted, page);
      for (const object of page.objects) folder.#objects.set(object.name, { object, addresses });
    }
    const proof = await getLedgerProof(api, wanted.id);
    const text = proof && proofFile(proof, folder.#objects.has(CLOSE));
    if (proof !== undefined) takeProof(proof, text !== undefined);
    folder.#add(SIGNER_KEY, signer.pem);
    folder.#add(LEDGER_PROOF, text);
    return folder;
  }

  /** Throws what kept an object from being fetched: that is no fault of the evidence, and no verdict is one without it. */
  throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  async list(): Promise<readonly string[]> {
    return [...this.#objects.keys(), ...this.#added.keys()];
  }

  async get(name: string, atMost: number): Promise<Uint8Array> {
    const added = this.#added.get(name);
    if (added !== undefined) return added;
    const bytes = await (this.#ahead.get(name) ?? this.#fetch(name, atMost));
    this.#ahead.delete(name);
    const number = segmentNumber(name);
    if (number !== undefined) this.#fetchAhead(segmentName(number + 1), atMost);
    return bytes;
  }

  #add(name: string, text: string | undefined): void {
    if (text !== undefined && !this.#objects.has(name)) this.#added.set(name, Buffer.from(text));
  }

  #fetchAhead(name: string, atMost: number): void {
    if (!this.#objects.has(name)) return;
    const fetched = this.#fetch(name, atMost);
    fetched.catch(() => undefined);
    this.#ahead.set(name, fetched);
  }

  async #fetch(name: string, atMost: number): Promise<Uint8Array> {
    const { object, addresses } = this.#objects.get(name)!;
    if (object.size > atMost) throw new CustodyError('format-invalid', `${name} has ${object.size} bytes`);
    try {
      return await wholeBody(await fetchObject(this.#api, addresses, object), object);
    } catch (thrown) {
      const { message, hint } = asCustodyError(thrown);
      this.#failure ??= new CustodyError('internal', message, { ...(hint && { hint }), cause: thrown });
      throw thrown;
    }
  }
}

async function wholeBody(response: Response, { name, size }: EvidenceObject): Promise<Uint8Array> {
  const bytes = Buffer.allocUnsafe(size);
  let filled = 0;
  for await (const chunk of boundedBody(response, size)) {
    bytes.set(chunk, filled);
    filled += chunk.length;
  }
  if (filled === size) return bytes;
  throw new CustodyError('format-invalid', `${name} has ${filled} bytes, and ${size} were announced`, {
    hint: 'run this again',
  });
}
