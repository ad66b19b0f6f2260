/** The lines that come before any packet (RFC 4253 section 4.2). */
import { violation } from '../wire.ts';

/** With its end of line. */
const MAX_LINE = 255;
/** A server may say something before its version; OpenSSH reads as much. */
const MAX_BANNER_LINES = 1024;
const MAX_BANNER_BYTES = 16 * 1024;
const LF = 10;
const CR = 13;

/** What we say; the RFC asks that the software's version has no blank and no dash. */
export const VERSION = 'SSH-2.0-Custody';

/** Gathers the peer's version line. As a server it takes none before it, as a client it skips a banner. */
export class VersionReader {
  readonly #banner: boolean;
  readonly #line: number[] = [];
  #lines = 0;
  #bytes = 0;

  constructor(banner: boolean) {
    this.#banner = banner;
  }

  /** The version line without its end, and how many of the bytes were read; undefined when it is not complete yet. */
  take(bytes: Uint8Array): { readonly version: string; readonly used: number } | undefined {
    for (let at = 0; at < bytes.length; at += 1) {
      const version = this.#push(bytes[at]!);
      if (version !== undefined) return { version, used: at + 1 };
    }
    return undefined;
  }

  #push(byte: number): string | undefined {
    this.#bytes += 1;
    if (this.#bytes > MAX_BANNER_BYTES) throw violation('no SSH version among the first lines');
    if (byte !== LF) {
      this.#line.push(byte);
      if (this.#couldBeVersion() ? this.#line.length >= MAX_LINE : !this.#banner) throw this.#notSsh();
      return undefined;
    }
    if (this.#line.at(-1) === CR) this.#line.pop();
    const line = Buffer.from(this.#line).toString('latin1');
    this.#line.length = 0;
    if (line.startsWith('SSH-')) return accepted(line);
    this.#lines += 1;
    if (!this.#banner || this.#lines > MAX_BANNER_LINES) throw this.#notSsh();
    return undefined;
  }

  /** Decided by the first bytes, so that another protocol's client hears at once that it came to the wrong door. */
  #couldBeVersion(): boolean {
    const start = [0x53, 0x53, 0x48, 0x2d];
    return this.#line.slice(0, 4).every((byte, index) => byte === start[index]);
  }

  #notSsh() {
    return violation('this is not an SSH version line');
  }
}

/** 1.99 is how a server says that it speaks 2.0 and older ones (RFC 4253 section 5.1). */
function accepted(line: string): string {
  if (!/^SSH-(?:2\.0|1\.99)-/.test(line)) throw violation('only SSH 2.0 is spoken here', line);
  if (!/^[\x20-\x7e]*$/.test(line)) throw violation('a version line holds bytes that are not printable');
  return line;
}
