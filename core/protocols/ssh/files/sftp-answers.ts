/** What a server answers by SFTP version 3 (draft-ietf-secsh-filexfer-02 section 7), and the messages that the gateway says itself. */
import { SshReader, SshWriter, violation, writeUint32 } from '../wire.ts';
import { readAttributes, type SftpAttributes } from './sftp-attributes.ts';
import { HANDLE_MAX, Sftp } from './sftp-stream.ts';

/** Section 7: codes of STATUS. */
export const SftpStatus = {
  ok: 0,
  eof: 1,
  noSuchFile: 2,
  permissionDenied: 3,
  failure: 4,
  badMessage: 5,
  unsupported: 8,
} as const;

export interface SftpName {
  readonly name: Uint8Array;
  readonly attributes: SftpAttributes;
}

export type SftpAnswer =
  | { readonly kind: 'version'; readonly version: number }
  | { readonly kind: 'status'; readonly id: number; readonly code: number; readonly words: Uint8Array }
  | { readonly kind: 'handle'; readonly id: number; readonly handle: Uint8Array }
  | { readonly kind: 'name'; readonly id: number; readonly names: readonly SftpName[] }
  | { readonly kind: 'attributes'; readonly id: number; readonly attributes: SftpAttributes }
  | { readonly kind: 'extended'; readonly id: number };

/** `message`: with its length. DATA is not among them: its content is streamed. */
export function readAnswer(message: Uint8Array): SftpAnswer {
  const reader = new SshReader(message, 4);
  const type = reader.byte();
  if (type === Sftp.version) return { kind: 'version', version: reader.uint32() };
  const id = reader.uint32();
  switch (type) {
    case Sftp.status: {
      const code = reader.uint32();
      // Servers of version 2 and some of today's leave the words out.
      return { kind: 'status', id, code, words: reader.left === 0 ? new Uint8Array(0) : reader.string() };
    }
    case Sftp.handle:
      return { kind: 'handle', id, handle: reader.string(HANDLE_MAX) };
    case Sftp.name:
      return { kind: 'name', id, names: readNames(reader) };
    case Sftp.attrs:
      return { kind: 'attributes', id, attributes: readAttributes(reader) };
    case Sftp.extendedReply:
      return { kind: 'extended', id };
    default:
      throw violation(`an SFTP answer of number ${type} is not known`);
  }
}

/** The id of a DATA, as far as its content. */
export function dataId(head: Uint8Array): number {
  return new SshReader(head, 5).uint32();
}

export function encodeStatus(id: number, code: number, words: string): Uint8Array {
  return framed(SshWriter.message(Sftp.status).uint32(id).uint32(code).string(words).string('en'));
}

export function encodeInit(version: number): Uint8Array {
  return framed(SshWriter.message(Sftp.init).uint32(version));
}

export function encodeRealpath(id: number, path: Uint8Array): Uint8Array {
  return framed(SshWriter.message(Sftp.realpath).uint32(id).string(path));
}

export function encodeLstat(id: number, path: Uint8Array): Uint8Array {
  return framed(SshWriter.message(Sftp.lstat).uint32(id).string(path));
}

function readNames(reader: SshReader): SftpName[] {
  const count = reader.uint32();
  // Each takes at least two lengths and the flags of its attributes.
  if (count > reader.left / 12) throw violation('an SFTP answer has fewer names than it says');
  return Array.from({ length: count }, () => {
    const name = reader.string();
    reader.string();
    return { name, attributes: readAttributes(reader) };
  });
}

function framed(message: SshWriter): Uint8Array {
  const body = message.done();
  const bytes = new Uint8Array(4 + body.length);
  writeUint32(bytes, 0, body.length);
  bytes.set(body, 4);
  return bytes;
}
