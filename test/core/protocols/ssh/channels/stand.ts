import { Connection } from '#core/protocols/ssh/channels/connection.ts';
import type { Range } from '#core/protocols/ssh/channels/gated.ts';
import { Message } from '#core/protocols/ssh/channels/messages.ts';
import { type SessionTerms, termsOf } from '#core/protocols/ssh/channels/terms.ts';
import { SshReader, SshWriter } from '#core/protocols/ssh/wire.ts';

/** What happened, in its order: `tape>client` came from the client, `client<` went to it. */
export interface Happened {
  readonly what: 'tape>client' | 'tape>target' | 'client<' | 'target<' | 'say' | 'ask';
  readonly payload: Uint8Array;
  readonly withheld?: readonly Range[] | undefined;
}

export const TARGET = { env: ['LANG', 'LC_*'], subsystems: ['sftp'] };
export const OPEN_TERMS = termsOf({ target: TARGET });

/** A connection between two peers that are played by the test. */
export function stand(terms: SessionTerms = OPEN_TERMS, claim = (): Promise<void> => Promise.resolve()) {
  const happened: Happened[] = [];
  const notes: Record<string, unknown>[] = [];
  const ends: Error[] = [];
  let resumed = 0;
  const push = (what: Happened['what'], payload: Uint8Array, withheld?: readonly Range[]): void => {
    happened.push({ what, payload: Uint8Array.from(payload), withheld });
  };
  const connection = new Connection(terms, {
    record: (side, payload, withheld) => push(`tape>${side}`, payload, withheld),
    pass: (to, payload) => push(`${to}<`, payload),
    say: (payload) => push('say', payload),
    ask: (payload) => push('ask', payload),
    note: (fact) => void notes.push(fact),
    claim,
    end: (error) => void ends.push(error),
    resumed: () => void (resumed += 1),
  });
  /** What went to a side since the last look, the gateway's own words among it. */
  const taken = (...kinds: Happened['what'][]): Uint8Array[] => {
    const found = happened.filter(({ what }) => kinds.includes(what)).map(({ payload }) => payload);
    for (let at = happened.length - 1; at >= 0; at -= 1)
      if (kinds.includes(happened[at]!.what)) happened.splice(at, 1);
    return found;
  };
  return {
    connection,
    happened,
    notes,
    ends,
    resumed: () => resumed,
    client: (payload: Uint8Array) => connection.fromClient(payload),
    target: (payload: Uint8Array) => connection.fromTarget(payload),
    toTarget: () => taken('target<', 'ask'),
    toClient: () => taken('client<', 'say'),
  };
}

export const CLIENT = 7;
export const TARGETS = 3;
export const WINDOW = 2 << 20;

export function open(type = 'session', sender = CLIENT, window = WINDOW): SshWriter {
  return SshWriter.message(Message.open).string(type).uint32(sender).uint32(window).uint32(32_768);
}

export function place(writer: SshWriter, host: string, port: number): Uint8Array {
  return writer.string(host).uint32(port).string('127.0.0.1').uint32(5555).done();
}

export function confirmation(recipient = CLIENT, sender = TARGETS, window = WINDOW): Uint8Array {
  return SshWriter.message(Message.confirmation)
    .uint32(recipient)
    .uint32(sender)
    .uint32(window)
    .uint32(32_768)
    .done();
}

export function request(name: string, wantReply = true, recipient = TARGETS): SshWriter {
  return SshWriter.message(Message.request).uint32(recipient).string(name).boolean(wantReply);
}

export function exec(command: string): Uint8Array {
  return request('exec').string(command).done();
}

/** A session channel that both sides have agreed on. */
export function withSession(terms?: SessionTerms, claim?: () => Promise<void>): ReturnType<typeof stand> {
  const stood = stand(terms, claim);
  stood.client(open().done());
  stood.target(confirmation());
  stood.happened.length = 0;
  return stood;
}

/** A message about a channel in words. */
export function told(payload: Uint8Array): string {
  const reader = new SshReader(payload, 1);
  const names = Object.entries(Message).find(([, number]) => number === payload[0]);
  const name = names?.[0] ?? `message ${payload[0]}`;
  switch (payload[0]) {
    case Message.openFailure:
      return `openFailure ${reader.uint32()} ${reader.uint32()} ${reader.text()}`;
    case Message.extendedData:
      return `extendedData ${reader.uint32()} ${reader.uint32()} ${reader.words()}`;
    case Message.data:
      return `data ${reader.uint32()} ${reader.words()}`;
    case Message.windowAdjust:
      return `windowAdjust ${reader.uint32()} ${reader.uint32()}`;
    case Message.request: {
      const [recipient, request] = [reader.uint32(), reader.name()];
      reader.boolean();
      const rest = request === 'exec' || request === 'subsystem' ? ` ${reader.words()}` : '';
      return `request ${recipient} ${request}${request === 'exit-status' ? ` ${reader.uint32()}` : rest}`;
    }
    case Message.requestSuccess:
    case Message.requestFailure:
    case Message.globalRequest:
      return name;
    default:
      return `${name} ${reader.uint32()}`;
  }
}
