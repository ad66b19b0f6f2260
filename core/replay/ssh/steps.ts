import { asCustodyError, CustodyError } from '#core/errors.ts';
import { type Ending, endingWords } from '../ending.ts';
import type { ReplayFrame } from '../step.ts';
import type { ChannelReaderFor } from './channel-reader.ts';
import type { ChannelSteps } from './channel-steps.ts';
import { fileReaderFor } from './files/readers.ts';
import { ForwardSteps } from './forward-steps.ts';
import { LoginSteps } from './login-steps.ts';
import { outcomeOfRequest, shownRequest } from './program-facts.ts';
import { type Screens, SessionSteps } from './session-steps.ts';
import { SSH_LIMITS, type SshReplayLimits, type SshStep } from './step.ts';
import { SshTape } from './tape.ts';
import type { ListenRequest, SshEvent, TapeChannel } from './tape-events.ts';

/** Global requests that say nothing of what was done. */
const SILENT = ['keepalive@openssh.com', 'no-more-sessions@openssh.com'];

/** A recorded SSH session in readable steps. It never throws for what the bytes are, nor for a recording that ends anywhere. */
export async function* sshSteps(
  frames: AsyncIterable<ReplayFrame>,
  limits: SshReplayLimits = SSH_LIMITS,
  ending: () => Ending | undefined = () => undefined,
): AsyncGenerator<SshStep, void, undefined> {
  const steps = new SshSteps(limits);
  try {
    for await (const frame of frames) yield* steps.take(frame);
  } catch (thrown) {
    if (!(thrown instanceof CustodyError) || thrown.code !== 'format-invalid') throw thrown;
    yield steps.damaged(thrown.message);
  }
  yield* steps.finish(ending());
}

class SshSteps {
  readonly #limits: SshReplayLimits;
  readonly #tape: SshTape;
  readonly #login: LoginSteps;
  readonly #channels = new Map<TapeChannel, ChannelSteps>();
  readonly #readerFor: ChannelReaderFor;
  readonly #screens: Screens;
  #now = 0;

  constructor(limits: SshReplayLimits) {
    this.#limits = limits;
    this.#screens = { left: limits.terminals };
    this.#tape = new SshTape(limits);
    this.#login = new LoginSteps(limits);
    this.#readerFor = fileReaderFor;
  }

  async *take(frame: ReplayFrame): AsyncGenerator<SshStep> {
    this.#now = frame.timeUs;
    const touched = new Set<ChannelSteps>();
    for (const event of this.#tape.take(frame)) {
      const steps = 'channel' in event && event.channel ? this.#channels.get(event.channel) : undefined;
      if (event.kind === 'closed') yield* (await steps?.settle?.(true)) ?? [];
      else if (steps?.settle !== undefined) touched.add(steps);
      yield* this.#event(event);
    }
    for (const steps of touched) yield* (await steps.settle?.(false)) ?? [];
  }

  async *finish(ending: Ending | undefined): AsyncGenerator<SshStep> {
    for (const event of this.#tape.finish()) {
      if (event.kind === 'closed') yield* (await this.#of(event.channel).settle?.(true)) ?? [];
      yield* this.#event(event);
    }
    yield* this.#login.finish(this.#now, false);
    for (const channel of this.#channels.values()) {
      yield* (await channel.settle?.(true)) ?? [];
      yield* channel.end('cut-off', this.#now);
    }
    this.#channels.clear();
    const cut = this.#tape.cutOff.map((speaker) => `in the middle of a message of the ${speaker}`);
    const words = ending === undefined ? 'the recording ends here' : endingWords(ending);
    yield { kind: 'end', at: this.#now, took: 0, text: [words, ...cut].join('; ') };
  }

  damaged(text: string): SshStep {
    return { kind: 'damaged', at: this.#now, took: 0, text };
  }

  #event(event: SshEvent): Iterable<SshStep> {
    switch (event.kind) {
      case 'auth':
        return this.#auth(event.by, event.payload);
      case 'open':
        return this.#opened(event.channel);
      case 'open-failed':
        return this.#over(event.channel, event);
      case 'closed':
        return this.#over(event.channel, 'closed');
      case 'data':
        return this.#of(event.channel).data(event, this.#now);
      case 'request':
        return this.#of(event.channel).request(event.request, this.#now);
      case 'answer':
        return this.#of(event.channel).answered(event.request, this.#now);
      case 'told':
        return this.#of(event.channel).told(event, this.#now);
      case 'global':
        return [];
      case 'global-answer':
        return this.#globalStep(event.request);
      case 'note':
        return this.#note(event);
      case 'damaged':
        return [this.damaged(event.text)];
    }
  }

  #of(channel: TapeChannel): ChannelSteps {
    const steps = this.#channels.get(channel);
    if (steps === undefined) throw new CustodyError('internal', 'a channel speaks before it is opened');
    return steps;
  }

  #auth(by: 'client' | 'gateway', payload: Uint8Array): SshStep[] {
    try {
      return this.#login.take(by, payload, this.#now);
    } catch (thrown) {
      return [this.damaged(`a message of the login: ${asCustodyError(thrown).message}`)];
    }
  }

  #opened(channel: TapeChannel): SshStep[] {
    const steps =
      channel.type === 'session'
        ? new SessionSteps(channel, this.#limits, this.#readerFor, this.#screens)
        : new ForwardSteps(channel, this.#limits);
    this.#channels.set(channel, steps);
    return this.#login.finish(this.#now, true);
  }

  #over(channel: TapeChannel, how: Parameters<ChannelSteps['end']>[0]): SshStep[] {
    const steps = this.#of(channel);
    this.#channels.delete(channel);
    return steps.end(how, this.#now);
  }

  #globalStep(request: ListenRequest): SshStep[] {
    if (SILENT.includes(request.name)) return [];
    const { at, listen } = request;
    const outcome = outcomeOfRequest(request);
    return [
      {
        kind: listen === undefined ? 'request' : 'listen',
        at,
        took: this.#now - at,
        ...(outcome && { outcome }),
        request: shownRequest(request),
        ...(listen && { listen }),
      },
    ];
  }

  #note({ note, channel }: Extract<SshEvent, { kind: 'note' }>): SshStep[] {
    if (note.note === 'ssh-login') return this.#login.note(note, this.#now);
    const steps = channel === undefined ? undefined : this.#channels.get(channel);
    return steps?.note(note, this.#now) ?? [{ kind: 'note', at: this.#now, took: 0, note }];
  }
}
