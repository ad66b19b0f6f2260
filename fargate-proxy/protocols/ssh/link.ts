/** PROVISIONAL, until the relay's own: passes all, records all. */
import type { Socket } from 'node:net';
import type { Authorization } from '#core/access/decide.ts';
import type { CustodyError } from '#core/errors.ts';
import { type CloseReason, Stream, type StreamNumber } from '#core/recording/format.ts';
import type { Link } from '../../protocol.ts';
import type { SessionTape } from '../../recorder/tapes.ts';
import type { RelayMemory } from '../../wire/relay-memory.ts';
import { type Leg, Reason } from './leg.ts';

export interface SshLinkParts {
  readonly client: Leg;
  readonly target: Leg;
  readonly tape: SessionTape;
  readonly memory: RelayMemory;
  readonly permission: Authorization<'connect'>;
  readonly forceCommand?: string;
  readonly permits?: ReadonlySet<string>;
  readonly claim: () => Promise<void>;
  readonly release: () => void;
}

export function sshLink(parts: SshLinkParts): Link {
  return new Provisional(parts);
}

type Ended = Awaited<ReturnType<Link['relay']>>;

class Provisional implements Link {
  readonly #parts: SshLinkParts;
  readonly #done = Promise.withResolvers<Ended>();

  constructor(parts: SshLinkParts) {
    this.#parts = parts;
  }

  get target(): Socket {
    return this.#parts.target.socket;
  }

  relay(): Promise<Ended> {
    const { client, target } = this.#parts;
    this.#pass(client, target, Stream.client, 'client-closed');
    this.#pass(target, client, Stream.target, 'target-closed');
    return this.#done.promise;
  }

  end(reason: CloseReason, error: CustodyError): void {
    const { client, target } = this.#parts;
    client.disconnect(Reason.byApplication, error.message);
    target.destroy();
    this.#done.resolve({ reason });
  }

  #pass(from: Leg, to: Leg, stream: StreamNumber, reason: CloseReason): void {
    from.listen({
      message: (payload) => {
        if (payload[0]! < 80) return;
        const bytes = Buffer.alloc(4 + payload.length);
        bytes.writeUInt32BE(payload.length);
        bytes.set(payload, 4);
        this.#parts.tape.record(stream, bytes, bytes.length);
        to.send(payload);
      },
      ended: () => {
        from.close();
        to.close();
        this.#done.resolve({ reason });
      },
    });
  }
}
