import { CustodyError } from '#core/errors.ts';
import type { CarriedProtocol } from '../carried.ts';
import { type Ending, endingWords } from '../ending.ts';
import type { ReplayFrame } from '../step.ts';
import { CallNumbers } from './call-numbers.ts';
import { CallReading } from './call-reading.ts';
import type { ReadingContext } from './context.ts';
import { LoginSteps } from './login-steps.ts';
import { KnownObjects } from './objects.ts';
import { KUBERNETES_LIMITS, type KubernetesReplayLimits, type KubernetesStep } from './step.ts';
import { KubernetesTape, type TapeEvent } from './tape.ts';

/** A recorded Kubernetes session in readable steps. It never throws for what the bytes are, nor for a recording that ends anywhere. */
export async function* kubernetesSteps(
  frames: AsyncIterable<ReplayFrame>,
  limits: KubernetesReplayLimits = KUBERNETES_LIMITS,
  ending: () => Ending | undefined = () => undefined,
  carries: readonly CarriedProtocol[] = [],
): AsyncGenerator<KubernetesStep, void, undefined> {
  const steps = new KubernetesSteps(limits, carries);
  try {
    for await (const frame of frames) yield* steps.take(frame);
  } catch (thrown) {
    if (!(thrown instanceof CustodyError) || thrown.code !== 'format-invalid') throw thrown;
    yield steps.damaged(thrown.message);
  }
  yield* steps.finish(ending());
}

class KubernetesSteps {
  readonly #tape = new KubernetesTape();
  readonly #login = new LoginSteps();
  readonly #context: ReadingContext;
  readonly #calls = new Map<number, CallReading>();
  readonly #numbers = new CallNumbers();
  #now = 0;

  constructor(limits: KubernetesReplayLimits, carries: readonly CarriedProtocol[]) {
    const { bodies, terminals, carried } = limits;
    this.#context = {
      limits,
      carries,
      objects: new KnownObjects(limits.objects),
      left: { bodies, terminals, carried },
    };
  }

  async *take(frame: ReplayFrame): AsyncGenerator<KubernetesStep> {
    this.#now = frame.timeUs;
    const touched = new Set<CallReading>();
    for (const event of this.#tape.take(frame)) {
      yield* this.#event(event, touched);
    }
    for (const call of touched) yield* await call.settle(false);
  }

  async *finish(ending: Ending | undefined): AsyncGenerator<KubernetesStep> {
    for (const number of this.#calls.keys()) yield* this.#end(number, 'unfinished');
    const cut = this.#tape.cutOff.map((speaker) => `in the middle of a record of the ${speaker}`);
    const words = ending === undefined ? 'the recording ends here' : endingWords(ending);
    yield { kind: 'end', at: this.#now, took: 0, text: [words, ...cut].join('; ') };
  }

  damaged(text: string, channel?: number): KubernetesStep {
    return { kind: 'damaged', at: this.#now, took: 0, text, ...(channel !== undefined && { channel }) };
  }

  async *#event(event: TapeEvent, touched: Set<CallReading>): AsyncGenerator<KubernetesStep> {
    switch (event.kind) {
      case 'damaged':
        return yield this.damaged(event.text, event.call);
      case 'note':
        return yield* this.#login.note(event, this.#now);
      case 'request':
        return yield* this.#begin(event);
      default: {
        const call = this.#calls.get(event.call);
        if (call === undefined) return yield* this.#late(event.call);
        if (event.kind === 'forwarded') yield* this.#login.forwarded(event.forwarded, this.#now);
        yield* call.take(event, this.#now);
        if (call.settles) touched.add(call);
        const over = call.overBy(event);
        if (over === undefined) return;
        touched.delete(call);
        yield* this.#end(event.call, over);
      }
    }
  }

  async *#begin({
    call: number,
    head,
  }: Extract<TapeEvent, { kind: 'request' }>): AsyncGenerator<KubernetesStep> {
    if (!this.#numbers.begins(number)) return yield this.damaged('the head of a call stands twice', number);
    if (this.#calls.size >= this.#context.limits.calls) {
      const [oldest] = this.#calls.keys();
      yield this.damaged('more calls at one time than are shown: the rest of this one is left out', oldest);
      yield* this.#end(oldest!, 'unfinished');
    }
    this.#calls.set(number, new CallReading(number, head, this.#now, this.#context));
  }

  /** What follows the end of a call says nothing; of one that never began, that the recording is not what it should be. */
  *#late(number: number): Generator<KubernetesStep> {
    if (this.#numbers.begins(number)) yield this.damaged('a call has no head', number);
  }

  async *#end(number: number, how: Parameters<CallReading['end']>[0]): AsyncGenerator<KubernetesStep> {
    const call = this.#calls.get(number)!;
    this.#calls.delete(number);
    yield* await call.settle(true);
    yield* call.end(how, this.#now);
  }
}
