/** Which channels may be opened, by either side (RFC 4254 sections 6.1, 6.3.2, 7.2; OpenSSH's PROTOCOL 2.4, agent forwarding). */
import type { ChannelKind } from './channel.ts';
import { type Open, OpenFailure, TEXT_MAX } from './messages.ts';
import { isAllowed, type Place, placeText } from './places.ts';
import type { SessionTerms } from './terms.ts';

export type OpenVerdict =
  | { readonly kind: ChannelKind; readonly to?: string }
  | { readonly refused: string; readonly reason: number; readonly to?: string };

/** Every type that is not known is refused: default deny (security case 8). */
export function openedByClient(open: Open, terms: SessionTerms): OpenVerdict {
  switch (open.type) {
    case 'session':
      return { kind: 'session' };
    case 'direct-tcpip':
      return localForward(readPlace(open), terms);
    case 'direct-streamlocal@openssh.com':
    case 'tun@openssh.com':
      return prohibited('the gateway forwards TCP connections alone, and only where a rule allows it');
    default:
      return unknownType();
  }
}

function localForward(place: Place, { forward, exact }: SessionTerms): OpenVerdict {
  const to = placeText(place);
  if (isAllowed(forward.local, place)) return { kind: 'local', to };
  if (exact !== undefined) return { ...prohibited('a session for approved commands forwards nothing'), to };
  const words =
    forward.local.length === 0
      ? 'no rule lets you forward connections to this target'
      : `no rule lets you forward connections to ${shown(to)}`;
  return { ...prohibited(words), to };
}

/** What the client asked for before, and the target now makes use of. */
export interface AskedFor {
  readonly agent: boolean;
  readonly x11: boolean;
  listensAt(place: Place): boolean;
}

export function openedByTarget(open: Open, asked: AskedFor): OpenVerdict {
  switch (open.type) {
    case 'forwarded-tcpip': {
      const place = readPlace(open);
      if (asked.listensAt(place)) return { kind: 'remote', to: placeText(place) };
      return prohibited('nobody asked for this forwarding');
    }
    case 'auth-agent@openssh.com':
      return asked.agent ? { kind: 'agent' } : prohibited('nobody asked for the agent');
    case 'x11':
      return asked.x11 ? { kind: 'x11' } : prohibited('nobody asked for X11');
    default:
      return unknownType();
  }
}

function readPlace({ reader }: Open): Place {
  return { host: reader.text(TEXT_MAX), port: reader.uint32() };
}

function prohibited(words: string): OpenVerdict & { readonly refused: string } {
  return { refused: words, reason: OpenFailure.prohibited };
}

function unknownType(): OpenVerdict {
  return { refused: 'the gateway knows no such channel', reason: OpenFailure.unknownType };
}

/** What a client wrote, fit for its own terminal (security case 18). */
function shown(text: string): string {
  return text.slice(0, 200).replaceAll(/[^ -~]/g, '?');
}
