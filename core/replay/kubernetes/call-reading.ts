import type { BodyValue } from '#core/protocols/kubernetes/bodies/read.ts';
import type { Call } from '#core/protocols/kubernetes/call.ts';
import { streamFormOf } from '#core/protocols/kubernetes/streams/form.ts';
import type { Cut, RequestHead, ResponseHead } from '#core/protocols/kubernetes/tape.ts';
import { shellWord } from '../shell-word.ts';
import { shownWords } from '../shown.ts';
import { Body, headerOf } from './body.ts';
import { callIn, isLasting, kindOf, namesOf } from './call-names.ts';
import { CommandReading, wordsOf } from './command-reading.ts';
import type { ReadingContext } from './context.ts';
import { changeOf } from './diff-of.ts';
import { ForwardReading } from './forward-reading.ts';
import { asObject, isResource, metadataOf, textOf } from './objects.ts';
import { OpaqueReading } from './opaque-reading.ts';
import type {
  KubernetesOutcome,
  KubernetesStep,
  ShownCall,
  ShownCut,
  ShownDiff,
  ShownIdentity,
} from './step.ts';
import type { StreamReading } from './stream-reading.ts';
import type { Speaker, TapeEvent } from './tape.ts';
import { WatchReading } from './watch-reading.ts';

const SWITCHING = 101;
const REFUSED: readonly number[] = [401, 403];
/** Answers with other than objects of the resource. */
const NOT_GATHERED: readonly (string | undefined)[] = ['log', 'proxy'];
const LINE_MAX = 32 << 10;

type How = 'over' | 'unfinished' | Cut;
type Answer = ResponseHead & { readonly by: 'target' | 'gateway' };

/** One call, from its head to its end. */
export class CallReading {
  readonly #number: number;
  readonly #head: RequestHead;
  readonly #call: Call | undefined;
  readonly #at: number;
  readonly #context: ReadingContext;
  readonly #request: Body;
  #as: ShownIdentity | undefined;
  #answer: Answer | undefined;
  #response: Body | undefined;
  #watch: WatchReading | undefined;
  #stream: StreamReading | undefined;
  /** What the answer says, once it is over. */
  #said: BodyValue | undefined;
  readonly #ended = new Set<Speaker>();

  constructor(number: number, head: RequestHead, at: number, context: ReadingContext) {
    this.#number = number;
    this.#head = head;
    this.#at = at;
    this.#context = context;
    this.#call = callIn(head);
    this.#request = new Body(head.headers, true, context);
  }

  /** It has steps that take longer to find. */
  get settles(): boolean {
    return this.#stream?.settle !== undefined;
  }

  async settle(wholly: boolean): Promise<KubernetesStep[]> {
    return (await this.#stream?.settle?.(wholly)) ?? [];
  }

  /** How it is over by that; undefined where it goes on. */
  overBy(event: TapeEvent): How | undefined {
    if (event.kind === 'cut') return event.cut;
    if (event.kind === 'end' && event.by !== 'client' && this.#stream === undefined) return 'over';
    if (event.kind !== 'stream-end') return undefined;
    this.#ended.add(event.by);
    return this.#ended.has('client') && this.#ended.has('target') ? 'over' : undefined;
  }

  take(event: TapeEvent, at: number): KubernetesStep[] {
    switch (event.kind) {
      case 'forwarded':
        this.#as = { user: event.forwarded.user, groups: event.forwarded.groups };
        return [];
      case 'answer':
        return this.#answered({ ...event.head, by: event.by }, at);
      case 'body':
        this.#bodyOf(event.by)?.add(event.bytes);
        return event.by === 'client' ? [] : (this.#watch?.take(event.bytes, at) ?? []);
      case 'withheld':
        this.#bodyOf(event.by)?.withheld(event.withheld);
        return event.by === 'client' ? [] : (this.#watch?.withheld(event.withheld, at) ?? []);
      case 'stream':
        return this.#stream?.take(event.by, event.bytes, at) ?? [];
      default:
        return [];
    }
  }

  end(how: How, at: number): KubernetesStep[] {
    const stream = this.#stream?.end(at);
    this.#said = this.#response?.value();
    const outcome = this.#outcome(how, stream?.fields.program?.exitCode);
    const diff = outcome === 'completed' ? this.#learn(this.#said) : undefined;
    const cut = typeof how === 'string' ? undefined : shownCut(how);
    const step: KubernetesStep = {
      ...{ kind: this.#kind(), at: this.#at, took: at - this.#at, channel: this.#number, outcome },
      call: this.#whole(),
      ...this.#commandFields(),
      ...stream?.fields,
      ...(this.#watch && { watch: this.#watch.shown() }),
      ...(cut && { cut }),
      ...(diff && { diff }),
    };
    return [...(stream?.steps ?? []), step];
  }

  #answered(answer: Answer, at: number): KubernetesStep[] {
    // The gateway may answer in its own name what the target has answered too late.
    if (this.#answer !== undefined) return [];
    this.#answer = answer;
    const { status, headers } = answer;
    if (status === SWITCHING) this.#stream = this.#upgraded(answer);
    else {
      this.#response = new Body(headers, this.#gathers(status), this.#context);
      if (isResource(this.#call) && this.#call.verb === 'watch' && status < 300)
        this.#watch = new WatchReading(
          this.#call,
          this.#number,
          headerOf(headers, 'content-type'),
          this.#context,
        );
    }
    const isBegun = this.#stream !== undefined || (status < 300 && isLasting(this.#call));
    return isBegun ? [this.#begun(at)] : [];
  }

  #begun(at: number): KubernetesStep {
    const call = this.#shown();
    return { kind: 'begun', at, took: 0, channel: this.#number, call, ...this.#commandFields() };
  }

  #upgraded({ headers }: Answer): StreamReading {
    const call = this.#call;
    if (!isResource(call)) return new OpaqueReading(this.#context);
    const form = streamFormOf(call, headers);
    if (form.purpose === 'command') return new CommandReading(call, this.#number, form, this.#context);
    if (form.purpose === 'forward') return new ForwardReading(call, this.#number, form, this.#context);
    return new OpaqueReading(this.#context);
  }

  #bodyOf(by: Speaker): Body | undefined {
    return by === 'client' ? this.#request : this.#response;
  }

  /** Objects, and what a Status says. */
  #gathers(status: number): boolean {
    if (status >= 400) return true;
    return (
      isResource(this.#call) && this.#call.verb !== 'watch' && !NOT_GATHERED.includes(this.#call.subresource)
    );
  }

  #kind(): KubernetesStep['kind'] {
    const kind = kindOf(this.#call);
    if (this.#stream instanceof OpaqueReading) return 'forward';
    const isStream = kind === 'exec' || kind === 'attach' || kind === 'portforward';
    return (isStream && this.#stream === undefined) || this.#answer?.by === 'gateway' ? 'call' : kind;
  }

  #outcome(how: How, exitCode: number | undefined): KubernetesOutcome {
    const { status = 0, by } = this.#answer ?? {};
    if (how === 'unfinished') return 'unfinished';
    if (by === 'gateway') return status < 500 ? 'denied' : 'failed';
    if (how !== 'over') return how.by === 'gateway' ? 'ended' : 'cut';
    if (REFUSED.includes(status)) return 'refused';
    return status >= 400 || (exitCode ?? 0) !== 0 ? 'failed' : 'completed';
  }

  /** What the answer says of objects is remembered. What it changed is told by what was known of them. */
  #learn(answer: BodyValue | undefined): ShownDiff | undefined {
    const call = this.#call;
    if (!isResource(call) || this.#answer?.by !== 'target') return undefined;
    const { objects, limits } = this.#context;
    const diff = changeOf(call, answer, objects, limits);
    const isDry = call.query.has('dryRun');
    if (call.verb === 'delete' && !isDry) objects.gone(call, undefined);
    else if (answer !== undefined && !isDry) objects.saw(call, answer, this.#number, this.#response!.bytes);
    return diff;
  }

  #commandFields(): Pick<KubernetesStep, 'command' | 'words'> {
    if (!isResource(this.#call) || kindOf(this.#call) !== 'exec') return {};
    const words = wordsOf(this.#call);
    const { list, text } = this.#context.limits;
    const line = words.map(shellWord).join(' ');
    return {
      command: shownWords(line, text),
      words: words.slice(0, list).map((word) => word.slice(0, LINE_MAX)),
    };
  }

  /** Bodies are told once they are over. */
  #whole(): ShownCall {
    const asked = this.#request.value();
    const name = this.#madeName(asked);
    const request = this.#request.shown(asked);
    const response = this.#response?.shown(this.#said);
    return {
      ...this.#shown(this.#said),
      ...(name && { name }),
      ...(request && { request }),
      ...(response && { response }),
    };
  }

  /** What is made has its name in the body, which the server may have completed. */
  #madeName(asked: BodyValue | undefined): string | undefined {
    const call = this.#call;
    if (!isResource(call) || call.verb !== 'create' || call.name !== '') return undefined;
    const made = asObject(this.#said)?.['kind'] === 'Status' ? undefined : asObject(this.#said);
    return metadataOf(made).name ?? metadataOf(asObject(asked)).name;
  }

  #shown(answer?: BodyValue): ShownCall {
    const { status, by } = this.#answer ?? {};
    const said = status !== undefined && status >= 400 ? statusIn(answer) : {};
    return {
      ...namesOf(this.#head, this.#call, this.#context.limits),
      ...(this.#as && { as: this.#as }),
      ...(status !== undefined && { status }),
      ...said,
      ...(by === 'gateway' && { by }),
    };
  }
}

/** A Status of the API: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/ */
function statusIn(answer: BodyValue | undefined): Pick<ShownCall, 'reason' | 'message'> {
  const status = asObject(answer);
  if (status?.['kind'] !== 'Status') return {};
  const [reason, message] = [textOf(status['reason']), textOf(status['message'])];
  return { ...(reason && { reason }), ...(message && { message: shownWords(message, LINE_MAX) }) };
}

function shownCut({ by, code, message }: Cut): ShownCut {
  return { by, ...(code !== undefined && { code }), ...(message !== undefined && { message }) };
}
