/** Header blocks of one direction: each is compressed with what came before it. */
import { Inflate } from 'pako';
import { violation } from '../websocket.ts';
import { headerDictionary } from './dictionary.ts';

/** A block that says more is no stream's of Kubernetes. */
const INFLATED_MAX = 64 << 10;
const HEADERS_MAX = 200;
const SYNC_FLUSH = 2;

export class HeaderBlocks {
  readonly #inflate = new Inflate({ dictionary: headerDictionary(), chunkSize: 4096 });
  #pieces: Uint8Array[] = [];
  #bytes = 0;

  constructor() {
    this.#inflate.onData = (piece) => {
      this.#bytes += piece.length;
      if (this.#bytes > INFLATED_MAX) throw violation('a SPDY header block that is too long');
      this.#pieces.push(Uint8Array.from(piece));
    };
  }

  /** Throws `protocol-violation`; no block behind one that it threw for can be read. */
  read(block: Uint8Array): ReadonlyMap<string, string> {
    this.#pieces = [];
    this.#bytes = 0;
    if (!this.#inflate.push(block, SYNC_FLUSH) || this.#inflate.err !== 0)
      throw violation('a SPDY header block that is not compressed as it should be');
    return headersIn(Buffer.concat(this.#pieces));
  }
}

/** `uint32 count ‖ (uint32 length ‖ name ‖ uint32 length ‖ value)…` */
function headersIn(block: Buffer): ReadonlyMap<string, string> {
  const headers = new Map<string, string>();
  let at = 0;
  const number = (): number => {
    if (at + 4 > block.length) throw violation('a SPDY header block that ends early');
    return block.readUInt32BE((at += 4) - 4);
  };
  const text = (): string => {
    const length = number();
    if (at + length > block.length) throw violation('a SPDY header that ends early');
    return block.toString('latin1', at, (at += length));
  };
  const count = number();
  if (count > HEADERS_MAX) throw violation('a SPDY header block with too many headers');
  for (let header = 0; header < count; header++) {
    const name = text().toLowerCase();
    if (headers.has(name)) throw violation('a SPDY header that is there twice');
    headers.set(name, text());
  }
  if (at !== block.length) throw violation('a SPDY header block with more behind it');
  return headers;
}
