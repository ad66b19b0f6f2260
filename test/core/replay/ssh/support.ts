/** Tapes of SSH sessions: what peers say to each other through the gateway's own connection layer, written as FORMAT.md has it. */
import {
  AuthMessage,
  request as authRequest,
  banner,
  failure,
  success,
} from '#core/protocols/ssh/auth/messages.ts';
import { Connection } from '#core/protocols/ssh/channels/connection.ts';
import type { Range } from '#core/protocols/ssh/channels/gated.ts';
import * as M from '#core/protocols/ssh/channels/messages.ts';
import { type SessionTerms, termsOf } from '#core/protocols/ssh/channels/terms.ts';
import { SshWriter } from '#core/protocols/ssh/wire.ts';
import { SSH_LIMITS, type SshReplayLimits, type SshStep } from '#core/replay/ssh/step.ts';
import { sshSteps } from '#core/replay/ssh/steps.ts';
import type { ReplayFrame } from '#core/replay/step.ts';
import { frozen } from '#test/support/frozen.ts';

export { AuthMessage };
export const TERMS = termsOf({ target: { env: ['LANG'], subsystems: ['sftp'] } });

/** Frames a millisecond apart, a message each; withheld bytes in frames of their own. */
export class Tape {
  readonly frames: ReplayFrame[] = [];
  #ms = 0;

  say(stream: 'client' | 'target' | 'gateway', payload: Uint8Array, withheld: readonly Range[] = []): this {
    const bytes = new SshWriter(payload.length + 4).string(payload).done();
    let done = 0;
    for (const { from, to } of withheld) {
      this.#frame(stream, bytes.subarray(done, from + 4), false);
      this.#frame(stream, new Uint8Array(to - from), true);
      done = to + 4;
    }
    this.#frame(stream, bytes.subarray(done), false);
    this.#ms += 1;
    return this;
  }

  note(note: object): this {
    this.#frame('note', Buffer.from(JSON.stringify(note)), false);
    this.#ms += 1;
    return this;
  }

  wait(ms: number): this {
    this.#ms += ms;
    return this;
  }

  #frame(stream: ReplayFrame['stream'], payload: Uint8Array, withheld: boolean): void {
    if (payload.length > 0)
      this.frames.push({ stream, withheld, timeUs: this.#ms * 1000, payload: Uint8Array.from(payload) });
  }
}

/** A login by a method, as far as the tape has it. */
export function login(tape: Tape, user = 'deploy+web-1'): Tape {
  return tape
    .say('client', authRequest(user, 'none').done())
    .say('gateway', failure({ methods: ['publickey', 'keyboard-interactive'], partial: false }))
    .say('client', authRequest(user, 'password').boolean(false).string(new Uint8Array(20)).done(), [
      { from: authRequest(user, 'password').length, to: authRequest(user, 'password').length + 25 },
    ])
    .say('gateway', banner('welcome'))
    .say('gateway', success());
}

/** The gateway's connection layer between two peers that the test plays; all of it goes on a tape. */
export function gateway(terms: SessionTerms = TERMS, tape = new Tape()) {
  const toClient: Uint8Array[] = [];
  const toTarget: Uint8Array[] = [];
  const connection = new Connection(terms, {
    record: (side, payload, withheld) => void tape.say(side, payload, withheld),
    pass: (to, payload) => void (to === 'client' ? toClient : toTarget).push(Uint8Array.from(payload)),
    say: (payload) => {
      tape.say('gateway', payload);
      toClient.push(Uint8Array.from(payload));
    },
    ask: (payload) => void toTarget.push(Uint8Array.from(payload)),
    note: (fact) => void tape.note(fact),
    claim: () => Promise.resolve(),
    end: (error) => {
      throw error;
    },
    resumed: () => undefined,
  });
  return {
    tape,
    connection,
    toClient,
    toTarget,
    client: (payload: Uint8Array) => connection.fromClient(payload),
    target: (payload: Uint8Array) => connection.fromTarget(payload),
  };
}

export const CLIENT = 7;
export const TARGET = 3;

export function openOf(type: string, sender: number): SshWriter {
  return SshWriter.message(M.Message.open)
    .string(type)
    .uint32(sender)
    .uint32(2 << 20)
    .uint32(32_768);
}

export function confirm(recipient: number, sender: number): Uint8Array {
  return SshWriter.message(M.Message.confirmation)
    .uint32(recipient)
    .uint32(sender)
    .uint32(2 << 20)
    .uint32(32_768)
    .done();
}

export function ask(name: string, recipient = TARGET, wantReply = true): SshWriter {
  return SshWriter.message(M.Message.request).uint32(recipient).string(name).boolean(wantReply);
}

export function ptyRequest(columns = 80, rows = 24, recipient = TARGET): Uint8Array {
  return ask('pty-req', recipient)
    .string('xterm')
    .uint32(columns)
    .uint32(rows)
    .uint32(0)
    .uint32(0)
    .string('')
    .done();
}

export const yes = (recipient: number): Uint8Array => M.about(M.Message.success, recipient);
export const no = (recipient: number): Uint8Array => M.about(M.Message.failure, recipient);
export const close = (recipient: number): Uint8Array => M.about(M.Message.close, recipient);

/** Both ends of a session channel that is open. */
export function session(terms?: SessionTerms) {
  const peers = gateway(terms);
  peers.client(openOf('session', CLIENT).done());
  peers.target(confirm(CLIENT, TARGET));
  return {
    ...peers,
    /** The client asks for something, and the target does it. */
    run: (payload: Uint8Array) => {
      peers.client(payload);
      peers.target(yes(CLIENT));
    },
    type: (text: string | Uint8Array) => peers.client(M.data(TARGET, Buffer.from(text))),
    print: (text: string | Uint8Array) => peers.target(M.data(CLIENT, Buffer.from(text))),
    complain: (text: string) => peers.target(M.extendedData(CLIENT, Buffer.from(text))),
    close: (status?: number) => {
      if (status !== undefined) peers.target(M.exitStatus(CLIENT, status));
      peers.target(close(CLIENT));
      peers.client(close(TARGET));
    },
  };
}

export async function stepsOf(
  frames: Iterable<ReplayFrame>,
  limits: SshReplayLimits = SSH_LIMITS,
): Promise<SshStep[]> {
  const steps: SshStep[] = [];
  for await (const step of sshSteps(asyncOf(frames), limits)) steps.push(frozen(step));
  return steps;
}

export async function* asyncOf<T>(items: Iterable<T>): AsyncGenerator<T> {
  yield* items;
}
