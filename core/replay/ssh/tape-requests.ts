/** Requests on channels as far as steps speak of them (RFC 4254 sections 6.2 to 6.10). */
import type { ChannelRequest } from '#core/protocols/ssh/channels/messages.ts';

export type RequestDetail =
  | { readonly kind: 'start'; readonly start: 'shell' | 'exec' | 'subsystem'; readonly what: Uint8Array }
  | { readonly kind: 'pty'; readonly term: string; readonly columns: number; readonly rows: number }
  | { readonly kind: 'size'; readonly columns: number; readonly rows: number }
  | { readonly kind: 'env'; readonly name: string; readonly value: Uint8Array }
  | { readonly kind: 'signal'; readonly name: string }
  | { readonly kind: 'exit-status'; readonly status: number }
  | { readonly kind: 'exit-signal'; readonly name: string; readonly core: boolean; readonly message: string }
  | { readonly kind: 'passing' }
  | { readonly kind: 'other' };

const NOTHING = new Uint8Array(0);
/** No terminal is larger; a program that is told so does not believe it either. */
const SIZE_MAX = 10_000;

/** Throws `protocol-violation` where the request is shorter than it says. Byte fields are views of the message. */
export function requestDetail({ name, reader }: ChannelRequest): RequestDetail {
  switch (name) {
    case 'shell':
      return { kind: 'start', start: name, what: NOTHING };
    case 'exec':
    case 'subsystem':
      return { kind: 'start', start: name, what: reader.string() };
    case 'pty-req':
      return { kind: 'pty', term: reader.words(), ...size(reader.uint32(), reader.uint32()) };
    case 'window-change':
      return { kind: 'size', ...size(reader.uint32(), reader.uint32()) };
    case 'env':
      return { kind: 'env', name: reader.words(), value: reader.string() };
    case 'signal':
      return { kind: 'signal', name: reader.words() };
    case 'exit-status':
      return { kind: 'exit-status', status: reader.uint32() };
    case 'exit-signal':
      return {
        kind: 'exit-signal',
        name: reader.words(),
        core: reader.boolean(),
        message: reader.words(),
      };
    case 'xon-xoff':
    case 'eow@openssh.com':
    case 'keepalive@openssh.com':
      return { kind: 'passing' };
    default:
      return { kind: 'other' };
  }
}

/** Zero means that the client does not know. */
function size(columns: number, rows: number): { readonly columns: number; readonly rows: number } {
  return { columns: Math.min(columns, SIZE_MAX), rows: Math.min(rows, SIZE_MAX) };
}
