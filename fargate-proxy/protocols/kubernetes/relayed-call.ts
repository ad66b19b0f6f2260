import type { Dispatcher } from 'undici';
import { asCustodyError, CustodyError } from '#core/errors.ts';
import type { Call } from '#core/protocols/kubernetes/call.ts';
import type { Verdict } from '#core/protocols/kubernetes/judge.ts';
import { callOf } from '#core/protocols/kubernetes/request-info.ts';
import type { ResponseKind } from '#core/protocols/kubernetes/schema.ts';
import type { Cut, Headers } from '#core/protocols/kubernetes/tape.ts';
import { Stream } from '#core/recording/format.ts';
import { type BodyRecording, DigestRecording, FullRecording } from './answer-body.ts';
import type { Asking } from './asking.ts';
import type { ClientConnection } from './client-connection.ts';
import { RequestBody } from './request-body.ts';
import { answerHead } from './response-head.ts';
import type { CallSession, LiveCall } from './session.ts';
import type { SiftedHead } from './sifted-head.ts';
import { statusBody, statusHeaders, statusOf } from './status.ts';

/** A body that is this short goes on in one piece, once it is there. */
const SHORT_BODY = 256 << 10;
const NEWLINE = 10;
const CLIENT = 1;
const RECORDER = 2;

/** One call: recorded, judged, passed on, answered. */
export class RelayedCall implements LiveCall, Dispatcher.DispatchHandler {
  readonly connection: ClientConnection;
  readonly sides = [];
  readonly #session: CallSession;
  readonly #asking: Asking;
  readonly #head: SiftedHead;
  readonly #rest: string;
  readonly #number: number;
  #call: Call | undefined;
  #body: RequestBody | undefined;
  #controller: Dispatcher.DispatchController | undefined;
  #recording: BodyRecording | undefined;
  /** Of the answer; 0 while there is none. */
  #status = 0;
  #answerBytes = 0;
  /** What was passed ends with a whole line: between two events of a watch. */
  #atLineEnd = true;
  #isEvents = false;
  #held = 0;
  #tries = 0;
  #over = false;

  constructor(session: CallSession, asking: Asking, head: SiftedHead, rest: string, number: number) {
    this.#session = session;
    this.#asking = asking;
    this.#head = head;
    this.#rest = rest;
    this.#number = number;
    this.connection = asking.connection;
  }

  /** Nothing of it is forwarded, judged or answered before its head is on the tape. */
  begin(): void {
    const { records } = this.#session.parts;
    const { method, http, hasBody } = this.#asking;
    const { shown: headers, withheld } = this.#head;
    const connection = this.#session.numberOf(this.connection);
    const more = withheld.length === 0 ? {} : { withheld };
    this.#heed(
      records.request(this.#number, { method, target: this.#rest, http, connection, headers, ...more }),
    );
    if (!hasBody) records.end(Stream.client, this.#number, { bytes: 0 });
    this.#asking.onGone(() => this.#clientGone());
    try {
      this.#judge();
    } catch (thrown) {
      this.#refuse(asCustodyError(thrown));
    }
  }

  #judge(): void {
    if (this.#session.isCrowded) throw crowded();
    if (this.#head.refused !== undefined) throw this.#head.refused;
    const { method, upgrade } = this.#asking;
    this.#call = callOf(method, this.#rest, upgrade === undefined ? stays(this.#head) : this.#head.shown);
    if (upgrade !== undefined) throw new CustodyError('unsupported', 'upgrades are not passed yet');
    this.#whenJudged(this.#session.parts.judge.judge(this.#call, this.#number));
  }

  #whenJudged(verdict: Verdict | Promise<Verdict>, body?: Buffer): void {
    if (!(verdict instanceof Promise)) return this.#judged(verdict, body);
    verdict.then(
      (judged) => this.#judged(judged, body),
      (thrown: unknown) => this.#refuse(asCustodyError(thrown)),
    );
  }

  #judged(verdict: Verdict, body?: Buffer): void {
    if (this.#over) return;
    switch (verdict.kind) {
      case 'refused':
        return this.#refuse(verdict.error);
      case 'passes':
        return body === undefined ? this.#pass() : this.#forwardWhole(body);
      case 'wants-body':
        return this.#showBody(verdict);
    }
  }

  #showBody(verdict: Extract<Verdict, { kind: 'wants-body' }>): void {
    const { type, encoding } = this.#head;
    const show = (bytes: Buffer): void => {
      if (this.#over) return;
      try {
        this.#whenJudged(verdict.judge({ bytes, type, encoding }), bytes);
      } catch (thrown) {
        this.#refuse(asCustodyError(thrown));
      }
    };
    if (!this.#asking.hasBody) return show(Buffer.alloc(0));
    this.#listenTo().collect(verdict.most, show, (error) => this.#refuse(error));
  }

  #pass(): void {
    if (!this.#asking.hasBody) return this.#forward(null);
    const body = this.#listenTo();
    if ((this.#head.contentLength ?? Number.POSITIVE_INFINITY) > SHORT_BODY)
      return this.#forward(body.stream());
    body.collect(
      SHORT_BODY,
      (bytes) => this.#forwardWhole(bytes),
      (error) => this.#refuse(error),
    );
  }

  #listenTo(): RequestBody {
    const { records } = this.#session.parts;
    this.#body = new RequestBody(this.#asking, {
      heard: (bytes) => this.#heed(this.#over || records.body(Stream.client, this.#number, bytes)),
      over: (bytes) => {
        if (this.#over) return;
        const trailers = pairsOf(this.#asking.trailers);
        records.end(Stream.client, this.#number, trailers.length === 0 ? { bytes } : { bytes, trailers });
      },
      whenForwardable: (forward) => this.#session.whenForwardable(forward),
    });
    if (this.#session.isBehind) this.#body.hold();
    return this.#body;
  }

  #forwardWhole(bytes: Buffer): void {
    this.#forward(bytes.length === 0 && !this.#asking.hasBody ? null : bytes);
  }

  /** As whom it goes on is on the tape first. */
  #forward(body: Dispatcher.DispatchOptions['body']): void {
    const { records, impersonation, upstream } = this.#session.parts;
    if (this.#over) return;
    records.forwarded(this.#number, impersonation.forwarded(this.#number));
    this.#session.whenForwardable(() => {
      const fresh = upstream.fresh();
      if (fresh === undefined) this.#dispatch(body);
      else void fresh.then(() => this.#dispatch(body));
    });
  }

  #dispatch(body: Dispatcher.DispatchOptions['body']): void {
    if (this.#over) return;
    const { impersonation, upstream } = this.#session.parts;
    const { contentLength, pass } = this.#head;
    const length =
      body === null || contentLength === undefined ? [] : ['content-length', String(contentLength)];
    const headers = [...upstream.own(), ...pass, ...length, ...impersonation.headersOf(this.#number)];
    const { method } = this.#asking;
    this.#tries += 1;
    try {
      upstream.dispatch({ method, path: this.#rest, headers, body: body ?? null }, this);
    } catch (thrown) {
      this.#refuse(asCustodyError(thrown));
    }
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#over) controller.abort(over());
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number): void {
    if (status < 200 || this.#over) return;
    if (status === 401) return this.#credentialRefused(controller);
    const { records, target } = this.#session.parts;
    const { shown, pass, type, encoding } = answerHead(controller.rawHeaders as Buffer[], false);
    this.#heed(records.response(Stream.target, this.#number, { status, headers: shown }));
    this.#status = status;
    const kind = kindOf(this.#call!);
    this.#isEvents = kind === 'watch' && encoding === undefined && /^application\/json\b/.test(type ?? '');
    this.#recording =
      target.recording.responses[kind] === 'digest'
        ? new DigestRecording(records, this.#number)
        : new FullRecording(records, this.#number);
    const bodiless = this.#asking.method === 'HEAD' || status === 204 || status === 304;
    this.#asking.answer(status, pass, bodiless);
    if (this.#held !== 0) controller.pause();
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#over || this.#status === 0) return;
    this.#answerBytes += chunk.length;
    this.#heed(this.#recording!.heard(chunk));
    if (this.#over) return;
    this.#atLineEnd = chunk[chunk.length - 1] === NEWLINE;
    if (this.#asking.write(chunk)) return;
    this.#held |= CLIENT;
    controller.pause();
    this.#asking.onDrain(() => this.#release(CLIENT));
  }

  onResponseEnd(controller: Dispatcher.DispatchController): void {
    if (this.#over || this.#status === 0) return;
    const { records } = this.#session.parts;
    const raw = (controller.rawTrailers ?? []) as Buffer[];
    const trailers = raw.map((one) => one.toString('latin1'));
    this.#recording!.over();
    const more = trailers.length === 0 ? {} : { trailers: pairsOf(trailers) };
    records.end(Stream.target, this.#number, { bytes: this.#answerBytes, ...more });
    this.#asking.end(trailers);
    this.#leave();
  }

  /** A kept connection may have been closed by the cluster just then: reading may be done again, nothing else. */
  onResponseError(_: Dispatcher.DispatchController, cause: Error): void {
    if (this.#over) return;
    if (this.#status !== 0) return this.#breakOff({ by: 'target' });
    const mayTryAgain = isReading(this.#asking) && this.#tries === 1 && isStale(cause);
    if (mayTryAgain) this.#dispatch(null);
    else this.#refuse(targetLost(this.#session.parts.target.name, cause));
  }

  hold(): void {
    if (this.#over) return;
    this.#body?.hold();
    this.#held |= RECORDER;
    this.#controller?.pause();
  }

  resume(): void {
    this.#body?.resume();
    this.#release(RECORDER);
  }

  end(error: CustodyError): undefined {
    if (this.#over) return;
    if (this.#status === 0) this.#refuse(error);
    else if (this.#isEvents && this.#atLineEnd) this.#lastEvent(error);
    else this.#breakOff({ by: 'gateway', code: error.code, message: error.message });
  }

  /** Clients of a watch print it and do not begin again at once. */
  #lastEvent(error: CustodyError): void {
    const { records } = this.#session.parts;
    const event = Buffer.from(`{"type":"ERROR","object":${statusBody(error)}}\n`);
    records.body(Stream.gateway, this.#number, event);
    records.cut(this.#number, { by: 'gateway', code: error.code, message: error.message });
    this.#asking.write(event);
    this.#asking.end();
    this.#leave();
  }

  /** With what is not the cluster's. What the client still sends is not heard. */
  #refuse(error: CustodyError): void {
    if (this.#over) return;
    const { records } = this.#session.parts;
    const status = statusOf(error);
    const body = statusBody(error, status);
    const headers = statusHeaders(status, Buffer.byteLength(body));
    this.#status = status.code;
    records.response(Stream.gateway, this.#number, { status: status.code, headers: pairsOf(headers) });
    if (this.#asking.method !== 'HEAD') records.body(Stream.gateway, this.#number, Buffer.from(body));
    records.end(Stream.gateway, this.#number, { bytes: Buffer.byteLength(body) });
    this.#noteUnheard();
    this.#asking.answerWith(status.code, headers, body);
    this.#leave();
  }

  #noteUnheard(): void {
    if (!this.#asking.hasBody || this.#body?.isOver === true) return;
    this.#session.parts.records.cut(this.#number, { by: 'gateway' });
  }

  /** The API server takes no such call as the gateway's: the person's own credential is good, and they are not asked for another. */
  #credentialRefused(controller: Dispatcher.DispatchController): void {
    const { upstream, target } = this.#session.parts;
    void upstream.renew();
    controller.abort(over());
    this.#refuse(
      new CustodyError('not-ready', `the target "${target.name}" does not take the gateway's credential`, {
        hint: 'try again; tell whoever runs the gateway when it happens again',
      }),
    );
  }

  #clientGone(): void {
    if (this.#over) return;
    this.#breakOff({ by: 'client' });
  }

  #breakOff(cut: Cut): void {
    this.#recording?.over();
    this.#session.parts.records.cut(this.#number, cut);
    const held = this.#body?.held ?? 0;
    if (held > 0)
      this.#session.parts.records.tape.note({ note: 'not-forwarded', call: this.#number, bytes: held });
    this.#asking.breakOff();
    this.#status = 0;
    this.#leave();
  }

  #leave(): void {
    this.#over = true;
    this.#controller?.abort(over());
    const answer = this.#status === 0 ? undefined : { status: this.#status };
    if (this.#tries > 0) this.#session.parts.judge.answered?.(this.#number, answer);
    this.#session.left(this);
  }

  #heed(keepsUp: boolean): void {
    if (!keepsUp) this.#session.waitForRecorder();
  }

  #release(why: number): void {
    if ((this.#held & why) === 0) return;
    this.#held &= ~why;
    if (this.#held === 0 && !this.#over) this.#controller?.resume();
  }
}

/** What asks for a protocol that nobody speaks here is passed over (RFC 9110 section 7.8). */
function stays({ shown, upgrade }: SiftedHead): Headers {
  return upgrade === undefined ? shown : shown.filter(([name]) => name.toLowerCase() !== 'upgrade');
}

function kindOf(call: Call): ResponseKind {
  if (call.kind === 'path') return 'other';
  if (call.subresource === 'log') return 'logs';
  const { verb } = call;
  return verb === 'get' || verb === 'list' || verb === 'watch' ? verb : 'other';
}

function isReading({ method, hasBody }: Asking): boolean {
  return (method === 'GET' || method === 'HEAD') && !hasBody;
}

function isStale(cause: Error & { readonly code?: string }): boolean {
  return cause.code === 'UND_ERR_SOCKET' || cause.code === 'ECONNRESET' || cause.code === 'EPIPE';
}

function pairsOf(flat: readonly string[]): [string, string][] {
  return Array.from({ length: flat.length >> 1 }, (_, at) => [flat[2 * at]!, flat[2 * at + 1]!]);
}

function crowded(): CustodyError {
  return new CustodyError('too-many-connections', 'too many calls of this session are open', {
    hint: 'try again',
  });
}

function targetLost(name: string, cause: Error): CustodyError {
  return new CustodyError('target-lost', `the target "${name}" closed the connection before it answered`, {
    hint: 'the gateway is up; the API server may have restarted: try again',
    detail: cause.message,
    cause,
  });
}

/** Nobody reads it: undici wants a reason. */
function over(): Error {
  return new Error('the call is over');
}
