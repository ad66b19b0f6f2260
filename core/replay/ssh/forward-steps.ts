import { Tally } from '../tally.ts';
import type { ChannelSteps, DataEvent, Refusal } from './channel-steps.ts';
import type { ShownForward, SshOutcome, SshReplayLimits, SshStep } from './step.ts';
import type { Note, TapeChannel } from './tape-events.ts';

/** A connection that goes through the session, or to what the client has: one step, once it is over. */
export class ForwardSteps implements ChannelSteps {
  readonly channel: TapeChannel;
  readonly #sent: Tally;
  readonly #received: Tally;
  #note: Note | undefined;

  constructor(channel: TapeChannel, { sample }: SshReplayLimits) {
    this.channel = channel;
    this.#sent = new Tally(sample);
    this.#received = new Tally(sample);
  }

  request(): SshStep[] {
    return [];
  }

  answered(): SshStep[] {
    return [];
  }

  told(): SshStep[] {
    return [];
  }

  data({ by, bytes, withheld }: DataEvent): SshStep[] {
    (by === 'client' ? this.#sent : this.#received).add(bytes, withheld);
    return [];
  }

  note(note: Note, at: number): SshStep[] {
    if (this.#note !== undefined) return [{ kind: 'note', at, took: 0, note, channel: this.channel.number }];
    this.#note = note;
    return [];
  }

  end(how: 'closed' | 'cut-off' | Refusal, at: number): SshStep[] {
    const { number, at: from } = this.channel;
    const refusal = typeof how === 'string' ? undefined : { code: how.code, message: how.message };
    return [
      {
        kind: 'forward',
        at: from,
        took: at - from,
        channel: number,
        outcome: outcomeOf(how),
        forward: this.#shown(),
        ...(refusal && { refusal }),
        ...(this.#note && { note: this.#note }),
      },
    ];
  }

  #shown(): ShownForward {
    const { type, to, from } = this.channel;
    const [sent, received] = [this.#sent.shown(), this.#received.shown()];
    return {
      kind: kindOf(type),
      type,
      ...(to && { to }),
      ...(from && { from }),
      ...(sent && { sent }),
      ...(received && { received }),
    };
  }
}

/** Of a channel that ends like that, other than by what ran on it. */
export function outcomeOf(how: 'closed' | 'cut-off' | Refusal): SshOutcome {
  if (how === 'closed') return 'completed';
  if (how === 'cut-off') return 'unfinished';
  return how.by === 'gateway' ? 'denied' : 'refused';
}

function kindOf(type: string): ShownForward['kind'] {
  switch (type) {
    case 'direct-tcpip':
    case 'direct-streamlocal@openssh.com':
      return 'local';
    case 'forwarded-tcpip':
    case 'forwarded-streamlocal@openssh.com':
      return 'remote';
    case 'auth-agent@openssh.com':
      return 'agent';
    case 'x11':
      return 'x11';
    default:
      return 'other';
  }
}
