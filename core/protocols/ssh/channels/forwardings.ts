/** What of forwarding the client asked for on this connection, and what came of it (RFC 4254 section 7.1). */
import { readUint32, type SshReader } from '../wire.ts';
import { type GlobalRequest, TEXT_MAX } from './messages.ts';
import type { AskedFor } from './opening.ts';
import { isAllowed, type Place, placeText } from './places.ts';
import type { Answered } from './replies.ts';
import type { SessionTerms } from './terms.ts';

export type GlobalVerdict =
  | 'pass'
  | 'swallow'
  | { readonly answered: Answered }
  | { readonly words: string; readonly to?: string };

/** Listening sockets of one connection at the target. */
const LISTENING_MAX = 64;

export class Forwardings implements AskedFor {
  agent = false;
  x11 = false;
  readonly #listening = new Set<string>();
  readonly #terms: SessionTerms;

  constructor(terms: SessionTerms) {
    this.#terms = terms;
  }

  listensAt(place: Place): boolean {
    return this.#listening.has(placeText(place));
  }

  /** A global request of the client's; what is not known is refused. */
  asked({ name, reader }: GlobalRequest): GlobalVerdict {
    switch (name) {
      case 'keepalive@openssh.com':
      case 'no-more-sessions@openssh.com':
        return 'pass';
      case 'tcpip-forward':
        return this.#listen(readPlace(reader));
      case 'cancel-tcpip-forward':
        return this.#stopListening(readPlace(reader));
      default:
        return { words: 'the gateway does not know this request' };
    }
  }

  /** An empty address means all of them, and is written `*` in a rule. */
  #listen(place: Place): GlobalVerdict {
    const to = placeText(place);
    const { remote } = this.#terms.forward;
    const asWritten = place.host === '' ? { ...place, host: '*' } : place;
    if (!isAllowed(remote, asWritten)) return { words: 'no rule lets the target listen there for you', to };
    if (this.#listening.has(to) || this.#listening.size >= LISTENING_MAX)
      return { words: 'the target listens there already, or at too many places', to };
    // A connection may come before the answer does.
    if (place.port !== 0) this.#listening.add(to);
    return {
      answered: (success, payload) => {
        if (!success) this.#listening.delete(to);
        else if (place.port === 0 && payload.length >= 5)
          this.#listening.add(placeText({ host: place.host, port: readUint32(payload, 1) }));
      },
    };
  }

  #stopListening(place: Place): GlobalVerdict {
    const to = placeText(place);
    if (!this.#listening.has(to)) return { words: 'the target does not listen there for you', to };
    return { answered: (success) => success && this.#listening.delete(to) };
  }
}

function readPlace(reader: SshReader): Place {
  return { host: reader.text(TEXT_MAX), port: reader.uint32() };
}
