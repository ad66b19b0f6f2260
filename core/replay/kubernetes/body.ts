import { gunzip } from '#core/protocols/kubernetes/bodies/gunzip.ts';
import { type BodyValue, readBody } from '#core/protocols/kubernetes/bodies/read.ts';
import type { Headers } from '#core/protocols/kubernetes/tape.ts';
import { shown } from '../shown.ts';
import { Tally } from '../tally.ts';
import type { Left } from './context.ts';
import type { KubernetesReplayLimits, ShownBody } from './step.ts';
import type { WithheldPart } from './tape.ts';

/** A body as it comes: its beginning is kept, and all of it where it is to be read as an object and is not too long. */
export class Body {
  readonly #limits: KubernetesReplayLimits;
  readonly #left: Left;
  readonly #type: string | undefined;
  readonly #encoding: string | undefined;
  readonly #tally: Tally;
  /** Undefined: it is not gathered, or was too long for it. */
  #parts: Uint8Array[] | undefined;
  #held = 0;
  #why: 'secret' | 'digest' | undefined;
  #sha256: string | undefined;
  #withheld = 0;
  #texts = '';
  #textIsWhole = true;

  constructor(headers: Headers, gathers: boolean, { limits, left }: BodyContext) {
    this.#limits = limits;
    this.#left = left;
    this.#type = headerOf(headers, 'content-type');
    this.#encoding = headerOf(headers, 'content-encoding');
    this.#tally = new Tally(limits.sample);
    this.#parts = gathers ? [] : undefined;
  }

  get bytes(): number {
    return this.#tally.bytes + this.#withheld;
  }

  add(bytes: Uint8Array): void {
    this.#tally.add(bytes);
    this.#gather(bytes);
  }

  withheld({ why, bytes, sha256, shown: text }: WithheldPart): void {
    this.#why = why;
    this.#withheld += bytes;
    this.#sha256 = sha256;
    if (text === undefined) return;
    if (this.#texts.length + text.length > this.#limits.body) this.#textIsWhole = false;
    else this.#texts += text;
  }

  /** What it says; undefined where it was not gathered, or cannot be read. Of one that is withheld, with marks in it. */
  value(): BodyValue | undefined {
    const read = this.#read();
    return read?.kind === 'read' ? read.value : undefined;
  }

  /** Undefined where there was none. `value` is what `value()` gave. Nothing more is held. */
  shown(value: BodyValue | undefined): ShownBody | undefined {
    const tally = this.#tally.shown();
    const isText = this.#type === undefined || /json|yaml|text/.test(this.#type);
    const known = this.#why === undefined && isText && this.#encoding === undefined;
    this.release();
    if (this.#why !== undefined) return this.#withheldShown();
    if (tally === undefined) return undefined;
    const type = this.#type === undefined ? {} : { type: this.#type };
    if (known || value === undefined) return { ...tally, ...type };
    return { ...tally, ...type, readAs: 'json', sample: this.#sample(JSON.stringify(value)) };
  }

  release(): void {
    this.#left.bodies += this.#held;
    this.#held = 0;
    this.#parts = undefined;
  }

  #withheldShown(): ShownBody {
    const { bytes } = this;
    const sample = this.#texts === '' ? { text: '', bytes, cut: bytes > 0 } : this.#sample(this.#texts);
    return {
      bytes,
      sample,
      withheld: this.#withheld,
      why: this.#why!,
      ...(this.#type !== undefined && { type: this.#type }),
      ...(this.#sha256 !== undefined && this.#tally.bytes === 0 && { sha256: this.#sha256 }),
    };
  }

  #sample(text: string): ShownBody['sample'] {
    return shown(Buffer.from(text), this.#limits.sample);
  }

  #read(): ReturnType<typeof readBody> | undefined {
    if (this.#why !== undefined) {
      const isWhole = this.#texts !== '' && this.#textIsWhole;
      return isWhole ? readBody(Buffer.from(this.#texts), 'application/json', undefined) : undefined;
    }
    if (this.#parts === undefined || this.#held === 0) return undefined;
    return readBody(Buffer.concat(this.#parts), this.#type, this.#encoding, gunzip);
  }

  #gather(bytes: Uint8Array): void {
    if (this.#parts === undefined) return;
    const isTooLong = this.#held + bytes.length > this.#limits.body || bytes.length > this.#left.bodies;
    if (isTooLong) return this.release();
    this.#parts.push(bytes);
    this.#held += bytes.length;
    this.#left.bodies -= bytes.length;
  }
}

interface BodyContext {
  readonly limits: KubernetesReplayLimits;
  readonly left: Left;
}

/** Of a header that comes once; names have no case (RFC 9110 section 5.1). */
export function headerOf(headers: Headers, name: string): string | undefined {
  return headers.find(([given]) => given.toLowerCase() === name)?.[1];
}
