/** What the gateway says of its own: why something is refused, and why a channel ends. */
import { type Channel, pieces, type Side } from './channel.ts';
import type { ConnectionHands } from './hands.ts';
import * as M from './messages.ts';

/** As a shell has it for a command that may not be run. */
export const NOT_PERMITTED = 126;

export class OwnWords {
  readonly #hands: Pick<ConnectionHands, 'say' | 'ask' | 'note'>;

  constructor(hands: Pick<ConnectionHands, 'say' | 'ask' | 'note'>) {
    this.#hands = hands;
  }

  /** Words and an exit status for the client, a CLOSE for the target; the target's own CLOSE then ends the channel at the client. */
  closeWith(channel: Channel, words: string, status: number): void {
    if (channel.abandoned) return;
    const last = [M.exitStatus(channel.client!, status), M.about(M.Message.eof, channel.client!)];
    channel.toTarget.answer(...this.#errorMessages(channel, words), ...last);
    channel.abandoned = true;
    this.#hands.ask(M.about(M.Message.close, channel.target!));
  }

  /** Words on the channel's error stream, as far as there is room. */
  error(channel: Channel, words: string): void {
    channel.toTarget.flush();
    for (const message of this.#errorMessages(channel, words)) this.#hands.say(message);
  }

  /** For whoever looks at the session later. */
  refused(by: Side, what: string, name: string, words: string, to?: string): void {
    this.#hands.note({ note: 'ssh-refused', by, what, name, ...(to === undefined ? {} : { to }), words });
  }

  /** A request on a channel does not pass; its asker hears so where it wants to. */
  refuseRequest(channel: Channel, { name, wantReply }: M.ChannelRequest, words: string): void {
    this.refused('client', 'request', name, words);
    if (wantReply) channel.toTarget.answer(M.about(M.Message.failure, channel.client!));
  }

  #errorMessages(channel: Channel, words: string): Uint8Array[] {
    const lineEnd = channel.pty ? '\r\n' : '\n';
    const lines = words.split('\n').map((line) => `custody: ${line}${lineEnd}`);
    const bytes = Buffer.from((channel.pty ? lineEnd : '') + lines.join('')).subarray(
      0,
      channel.clientWindow.reserve,
    );
    channel.clientWindow.spend(bytes.length);
    return [...pieces(bytes, channel.clientMaxPacket)].map((piece) => M.extendedData(channel.client!, piece));
  }
}
