import type { ClientRequest } from 'node:http';
import type { Dispatcher } from 'undici';
import { asCustodyError, CustodyError } from '#core/errors.ts';
import { type Withholding, withholdingFor } from '#core/protocols/kubernetes/bodies/withhold.ts';
import type { Call } from '#core/protocols/kubernetes/call.ts';
import { callWords } from '#core/protocols/kubernetes/call-words.ts';
import { REQUEST_KEY, requestHeader } from '#core/protocols/kubernetes/impersonation.ts';
import type { Verdict } from '#core/protocols/kubernetes/judge.ts';
import { callOf } from '#core/protocols/kubernetes/request-info.ts';
import { statusOf } from '#core/protocols/kubernetes/status.ts';
import type { Cut, Headers } from '#core/protocols/kubernetes/tape.ts';
import { type AskedUpgrade, upgradeAsked } from '#core/protocols/kubernetes/upgrades.ts';
import { Stream } from '#core/recording/format.ts';
import type { Side } from '../../dead-peers.ts';
import { Answer } from './answer.ts';
import { type BodyRecording, WithheldRecording } from './answer-body.ts';
import type { Asking } from './asking.ts';
import type { ClientConnection } from './client-connection.ts';
import { ownAnswer } from './own-answer.ts';
import { flat, pairsOf } from './pairs.ts';
import { RequestBody } from './request-body.ts';
import type { CallSession, LiveCall } from './session.ts';
import { type SiftedHead, sifted } from './sifted-head.ts';
import type { Upgraded } from './upgrade.ts';
import { askUpgrade } from './upgrade-call.ts';

/** A body that is this short goes on in one piece, once it is there. */
const SHORT_BODY = 256 << 10;
/** Of a body whose values are not for the tape: longer ones no API server takes. */
const WITHHELD_BODY = 4 << 20;

type ForwardedBody = Dispatcher.DispatchOptions['body'];

/** One call: recorded, judged, passed on, answered. */
export class RelayedCall implements LiveCall, Dispatcher.DispatchHandler {
  readonly connection: ClientConnection;
  readonly #session: CallSession;
  readonly #asking: Asking;
  readonly #head: SiftedHead;
  readonly #rest: string;
  readonly #number: number;
  #call: Call | undefined;
  #withholding: Withholding | undefined;
  #asked: AskedUpgrade | undefined;
  #body: RequestBody | undefined;
  #answer: Answer | undefined;
  #controller: Dispatcher.DispatchController | undefined;
  #request: ClientRequest | undefined;
  #upgraded: Upgraded | undefined;
  /** Of a body that was taken whole and waits to go on. */
  #unsent = 0;
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

  get sides(): readonly Side[] {
    return this.#upgraded?.sides ?? [];
  }

  /** Nothing of it is judged, forwarded or answered before its head is on the tape. */
  begin(): void {
    const { records } = this.#session.parts;
    const { method, http, hasBody } = this.#asking;
    const { shown: headers, withheld } = this.#head;
    const connection = this.#session.numberOf(this.connection);
    const more = withheld.length === 0 ? {} : { withheld };
    const head = { method, target: this.#rest, http, connection, headers, ...more };
    this.#heed(records.request(this.#number, head));
    if (!hasBody) records.end(Stream.client, this.#number, { bytes: 0 });
    this.#asking.onGone(() => this.#clientGone());
    this.#orRefuse(() => this.#judge());
  }

  #judge(): void {
    if (this.#session.isCrowded) throw crowded();
    if (this.#head.refused !== undefined) throw this.#head.refused;
    const { method, upgrade, headers } = this.#asking;
    const { target, judge } = this.#session.parts;
    const call = callOf(method, this.#rest, upgrade === undefined ? stays(this.#head) : this.#head.shown);
    this.#call = call;
    if (upgrade !== undefined)
      this.#asked = upgradeAsked({ method, headers: pairsOf(headers), call, early: upgrade.head });
    this.#withholding = withholdingFor(call, target.withhold);
    this.#whenJudged(judge.judge(call, this.#number));
  }

  #whenJudged(verdict: Verdict | Promise<Verdict>, body?: Buffer): void {
    if (!(verdict instanceof Promise)) return this.#judged(verdict, body);
    verdict.then(
      (judged) => this.#orRefuse(() => this.#judged(judged, body)),
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
        return this.#showBody(verdict, body);
    }
  }

  #showBody(verdict: Extract<Verdict, { kind: 'wants-body' }>, body?: Buffer): void {
    const { type, encoding } = this.#head;
    const show = (bytes: Buffer): void => {
      if (!this.#over)
        this.#orRefuse(() => this.#whenJudged(verdict.judge({ bytes, type, encoding }), bytes));
    };
    if (body !== undefined || !this.#asking.hasBody) return show(body ?? Buffer.alloc(0));
    this.#listen().collect(verdict.most, show, (error) => this.#refuse(error));
  }

  #pass(): void {
    if (!this.#asking.hasBody) return this.#forward(null);
    const body = this.#listen();
    const most = this.#withholding === undefined ? SHORT_BODY : WITHHELD_BODY;
    if (this.#withholding === undefined && (this.#head.contentLength ?? Number.POSITIVE_INFINITY) > most)
      return this.#forward(body.stream());
    body.collect(
      most,
      (bytes) => this.#forwardWhole(bytes),
      (error) => this.#refuse(error),
    );
  }

  #listen(): RequestBody {
    const recording = this.#bodyRecording();
    this.#body = new RequestBody(this.#asking, {
      heard: (bytes) => this.#heed(this.#over || recording.heard(bytes)),
      over: (bytes) => this.#bodyOver(recording, bytes),
      whenForwardable: (forward) => this.#session.whenForwardable(forward, (cause) => this.#lost(cause)),
    });
    if (this.#session.isBehind) this.#body.hold();
    return this.#body;
  }

  #bodyRecording(): BodyRecording {
    const { records } = this.#session.parts;
    const { type, encoding } = this.#head;
    const withheld = this.#withholding?.request(type, encoding);
    if (withheld !== undefined) return new WithheldRecording(records, Stream.client, this.#number, withheld);
    const heard = (bytes: Uint8Array): boolean => records.body(Stream.client, this.#number, bytes);
    return { pending: 0, heard, over: () => true };
  }

  #bodyOver(recording: BodyRecording, bytes: number): void {
    if (this.#over) return;
    this.#heed(recording.over());
    const { trailers } = this.#asking;
    // Nobody forwards them, and what some client puts there may be a secret all the same.
    const more = trailers.length === 0 ? {} : { trailers: sifted(trailers).shown };
    this.#heed(this.#session.parts.records.end(Stream.client, this.#number, { bytes, ...more }));
  }

  #forwardWhole(bytes: Buffer): void {
    this.#forward(this.#asking.hasBody ? bytes : null);
  }

  /** As whom it goes on is on the tape first. */
  #forward(body: ForwardedBody): void {
    if (this.#over) return;
    const { records, impersonation, upstream } = this.#session.parts;
    const [, request] = requestHeader(impersonation, this.#number);
    const extra = { ...impersonation.extra, [REQUEST_KEY]: [request] };
    this.#heed(records.forwarded(this.#number, { ...impersonation, extra }));
    this.#unsent = Buffer.isBuffer(body) ? body.length : 0;
    const forward = (): void => {
      const fresh = upstream.fresh();
      if (fresh === undefined) this.#send(body);
      else void fresh.then(() => this.#send(body));
    };
    this.#session.whenForwardable(forward, (cause) => this.#refuse(cause));
  }

  #send(body: ForwardedBody): void {
    if (this.#over) return;
    this.#unsent = 0;
    this.#tries += 1;
    this.#answer = new Answer({
      session: this.#session,
      asking: this.#asking,
      call: this.#call!,
      number: this.#number,
      withholding: this.#withholding,
      onLost: (cause) => this.#lost(cause),
    });
    this.#orRefuse(() => (this.#asked === undefined ? this.#dispatch(body) : this.#upgrade(this.#asked)));
  }

  #dispatch(body: ForwardedBody): void {
    const { method } = this.#asking;
    const headers = this.#headers(body === null ? undefined : this.#head.contentLength);
    this.#session.parts.upstream.dispatch({ method, path: this.#rest, headers, body: body ?? null }, this);
  }

  #upgrade(asked: AskedUpgrade): void {
    const { method } = this.#asking;
    this.#request = askUpgrade({
      session: this.#session,
      asking: this.#asking,
      asked,
      number: this.#number,
      path: this.#rest,
      headers: [...this.#headers(method === 'POST' ? 0 : undefined), ...flat(asked.headers)],
      answer: this.#answer!,
      onUpgraded: (upgraded) => this.#isUpgraded(upgraded),
      onAnswered: () => this.#leave(),
      onRefused: (error) => this.#refuse(error),
      onLost: (cause) => this.#lost(cause),
    });
  }

  #isUpgraded(upgraded: Upgraded): void {
    this.#upgraded = upgraded;
    void upgraded.ended.then(({ exitCode }) => {
      if (this.#over) return;
      this.#over = true;
      const answered = exitCode === undefined ? { status: 101 } : { status: 101, exitCode };
      this.#session.parts.judge.answered?.(this.#number, answered);
      this.#session.left(this);
    });
  }

  #headers(length: number | undefined): string[] {
    const { impersonation, upstream } = this.#session.parts;
    const sized = length === undefined ? [] : ['content-length', String(length)];
    const own = requestHeader(impersonation, this.#number);
    const pass = this.#call?.verb === 'watch' ? uncompressed(this.#head.pass) : this.#head.pass;
    return [...upstream.own(), ...pass, ...sized, ...this.#session.impersonates, ...own];
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#over) controller.abort(callOver());
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number): void {
    if (status < 200 || this.#over) return;
    if (status === 401 && !isProxied(this.#call)) return this.#credentialRefused();
    this.#answer!.head(status, controller.rawHeaders as Buffer[], controller);
  }

  onResponseData(_: Dispatcher.DispatchController, chunk: Buffer): void {
    if (!this.#over) this.#answer!.piece(chunk);
  }

  onResponseEnd({ rawTrailers }: Dispatcher.DispatchController): void {
    if (this.#over) return;
    this.#controller = undefined;
    this.#answer!.end(
      ((rawTrailers ?? []) as Buffer[]).map((one) => one.toString('latin1')),
      () => this.#leave(),
    );
  }

  onResponseError(_: Dispatcher.DispatchController, cause: Error): void {
    this.#lost(cause);
  }

  /** A kept connection may have been closed by the cluster just then: reading may be done again, and nothing else. */
  #lost(cause: Error): void {
    if (this.#over) return;
    if (this.#status !== 0) return this.#breakOff({ by: 'target' });
    const mayTryAgain = isReading(this.#asking) && this.#tries === 1 && isStale(cause);
    if (mayTryAgain) this.#send(null);
    else this.#refuse(targetLost(this.#session.parts.target.name, cause));
  }

  get #status(): number {
    return this.#answer?.status ?? 0;
  }

  hold(): void {
    this.#body?.hold();
    this.#answer?.hold();
    this.#upgraded?.wait();
  }

  resume(): void {
    this.#body?.resume();
    this.#answer?.resume();
  }

  end(error: CustodyError): Promise<unknown> | undefined {
    if (this.#over) return undefined;
    if (this.#upgraded !== undefined) {
      this.#upgraded.end(error);
      return this.#upgraded.ended;
    }
    if (this.#status === 0) this.#refuse(error);
    else if (this.#answer!.maySayEvent) this.#lastEvent(error);
    else this.#breakOff({ by: 'gateway', code: error.code, message: error.message });
    return undefined;
  }

  /** Clients of a watch print it, and do not begin again as if nothing had been. */
  #lastEvent(error: CustodyError): void {
    const { records } = this.#session.parts;
    const status = Buffer.from(statusOf(error, this.#call).body).toString().trim();
    const event = Buffer.from(`{"type":"ERROR","object":${status}}\n`);
    records.body(Stream.gateway, this.#number, event);
    this.#answer!.cut();
    records.cut(this.#number, { by: 'gateway', code: error.code, message: error.message });
    this.#asking.write(event);
    this.#asking.end();
    this.#leave();
  }

  #orRefuse(work: () => void): void {
    try {
      work();
    } catch (thrown) {
      this.#refuse(asCustodyError(thrown));
    }
  }

  /** With what is not the cluster's. What the client still sends is not heard. */
  #refuse(error: CustodyError): void {
    if (this.#over) return;
    const { records } = this.#session.parts;
    const { code, headers, body } = ownAnswer(error, this.#asking, this.#call);
    const call = this.#call;
    const words = call === undefined ? {} : { verb: call.verb, what: callWords(call) };
    records.tape.note({ note: 'call-refused', call: this.#number, code: error.code, ...words });
    records.response(Stream.gateway, this.#number, { status: code, headers: pairsOf(headers) });
    if (this.#asking.method !== 'HEAD') records.body(Stream.gateway, this.#number, body);
    records.end(Stream.gateway, this.#number, { bytes: body.length });
    if (this.#asking.hasBody && this.#body?.isOver !== true) records.cut(this.#number, { by: 'gateway' });
    this.#noteUnsent();
    this.#asking.answerWith(code, headers, body);
    this.#leave(code);
  }

  /** The API server takes no such call as the gateway's: the person's own token is good, and they are asked for no other. */
  #credentialRefused(): void {
    const { upstream, target } = this.#session.parts;
    void upstream.renew();
    this.#refuse(
      new CustodyError('not-ready', `the target "${target.name}" does not take the gateway's credential`, {
        hint: 'try again; tell whoever runs the gateway when it happens again',
      }),
    );
  }

  #clientGone(): void {
    if (!this.#over && this.#upgraded === undefined) this.#breakOff({ by: 'client' });
  }

  #breakOff(cut: Cut): void {
    const { records } = this.#session.parts;
    this.#answer?.cut();
    records.cut(this.#number, cut);
    this.#noteUnsent();
    this.#asking.breakOff();
    this.#leave(0);
  }

  #noteUnsent(): void {
    const { tape } = this.#session.parts.records;
    const bytes = this.#unsent + (this.#body?.held ?? 0);
    if (bytes > 0) tape.note({ note: 'not-forwarded', call: this.#number, bytes });
  }

  #leave(status = this.#status): void {
    this.#over = true;
    this.#controller?.abort(callOver());
    if (status === 0 || this.#status === 0) this.#request?.destroy();
    if (this.#tries > 0)
      this.#session.parts.judge.answered?.(this.#number, status === 0 ? undefined : { status });
    this.#session.left(this);
  }

  #heed(keepsUp: boolean): void {
    if (!keepsUp) this.#session.waitForRecorder();
  }
}

/** What asks for a protocol that nobody speaks here is passed over (RFC 9110 section 7.8). */
function stays({ shown, upgrade }: SiftedHead): Headers {
  return upgrade === undefined ? shown : shown.filter(([name]) => name.toLowerCase() !== 'upgrade');
}

/** What is behind a proxy has logins of its own: its 401 says nothing of the gateway's credential, which is not read anew for it. */
function isProxied(call: Call | undefined): boolean {
  return call?.kind === 'resource' && call.subresource === 'proxy';
}

/**
 * API servers compress a watch as one stream of gzip (first seen where `sendInitialEvents` asks for a list in it): nothing could be said in
 * it when it has to end, and no event of it withheld or shown by itself. A server may always answer without (RFC 9110 section 12.5.3).
 */
function uncompressed(pass: readonly string[]): string[] {
  return pass.filter((_, at) => pass[at - (at % 2)] !== 'accept-encoding');
}

function isReading({ method, hasBody }: Asking): boolean {
  return (method === 'GET' || method === 'HEAD') && !hasBody;
}

function isStale(cause: Error & { readonly code?: string }): boolean {
  return cause.code === 'UND_ERR_SOCKET' || cause.code === 'ECONNRESET' || cause.code === 'EPIPE';
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
function callOver(): Error {
  return new Error('the call is over');
}
