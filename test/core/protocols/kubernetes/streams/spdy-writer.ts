/** SPDY/3.1 frames, header blocks compressed by zlib itself: another writer than the one that is tested. */
import { constants, createDeflate, type Deflate } from 'node:zlib';
import { headerDictionary } from '#core/protocols/kubernetes/streams/spdy/dictionary.ts';

export class SpdyWriter {
  readonly #deflate: Deflate = createDeflate({ dictionary: headerDictionary() });
  #block: Buffer[] = [];

  constructor() {
    this.#deflate.on('data', (piece: Buffer) => this.#block.push(piece));
  }

  /** SYN_STREAM. */
  async open(id: number, headers: Readonly<Record<string, string>>, flags = 0): Promise<Buffer> {
    const block = await this.block(headers);
    return control(1, flags, Buffer.concat([uint32(id), Buffer.alloc(6), block]));
  }

  async reply(id: number): Promise<Buffer> {
    return control(2, 0, Buffer.concat([uint32(id), await this.block({})]));
  }

  block(headers: Readonly<Record<string, string>>): Promise<Buffer> {
    const entries = Object.entries(headers);
    const texts = entries.flat().flatMap((text) => [uint32(text.length), Buffer.from(text, 'latin1')]);
    return this.compressed(Buffer.concat([uint32(entries.length), ...texts]));
  }

  async compressed(plain: Uint8Array): Promise<Buffer> {
    this.#block = [];
    this.#deflate.write(plain);
    await new Promise<void>((flushed) => this.#deflate.flush(constants.Z_SYNC_FLUSH, () => flushed()));
    return Buffer.concat(this.#block);
  }
}

export function control(type: number, flags: number, payload: Uint8Array): Buffer {
  const header = Buffer.from([0x80, 3, 0, type, 0, 0, 0, 0]);
  header.writeUInt32BE(payload.length, 4);
  header[4] = flags;
  return Buffer.concat([header, payload]);
}

export function data(id: number, flags: number, payload: string | Uint8Array): Buffer {
  const bytes = Buffer.from(payload as string);
  const header = Buffer.concat([uint32(id), uint32(bytes.length)]);
  header[4] = flags;
  return Buffer.concat([header, bytes]);
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
