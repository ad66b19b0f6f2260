/** A gateway of upgrades alone: HTTPS on both sides, and a recorder whose slabs are durable at once, or when the test says so. */
import { once } from 'node:events';
import {
  type ClientRequest,
  type IncomingMessage,
  request as plainRequest,
  type RequestOptions,
  type Server,
} from 'node:http';
import { createServer, request } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { CustodyError } from '#core/errors.ts';
import type { Call } from '#core/protocols/kubernetes/call.ts';
import type { StreamForm } from '#core/protocols/kubernetes/streams/form.ts';
import { type Headers, RecordReader, type TapeRecord } from '#core/protocols/kubernetes/tape.ts';
import { upgradeAsked } from '#core/protocols/kubernetes/upgrades.ts';
import { gatherFrames } from '#core/recording/slab.ts';
import { CallTape, RecordSpace } from '#proxy/protocols/kubernetes/call-tape.ts';
import { relayUpgrade, type Upgraded } from '#proxy/protocols/kubernetes/upgrade.ts';
import { Bell } from '#proxy/recorder/bell.ts';
import { Incoming } from '#proxy/recorder/incoming.ts';
import type { ToRecorder } from '#proxy/recorder/messages.ts';
import { type SessionTape, type TapeOptions, Tapes } from '#proxy/recorder/tapes.ts';
import { streamBindings } from '#proxy/wire/raw-end.ts';
import { RelayMemory } from '#proxy/wire/relay-memory.ts';
import { opening } from './recorder.ts';
import { selfSigned } from './self-signed.ts';

export interface StandOptions {
  /** Where it goes. */
  readonly target: {
    readonly url: string;
    readonly ca: string;
    readonly cert?: string;
    readonly key?: string;
  };
  /** In place of the client's own. */
  readonly authorization?: string;
  readonly tape?: Partial<TapeOptions>;
  /** Its own certificate, and who issued it; one that signs itself without. */
  readonly server?: { readonly cert: string; readonly key: string; readonly ca: string };
  /** The test makes slabs durable. */
  readonly held?: boolean;
  /** Of the recorder, monotonic milliseconds. */
  readonly clock?: () => number;
  /** What was recorded is not kept: of a measurement. */
  readonly forgets?: boolean;
}

export class UpgradeStand {
  readonly url: string;
  readonly ca: string;
  readonly upgraded: Upgraded[] = [];
  readonly forms: StreamForm[] = [];
  readonly failures: CustodyError[] = [];
  readonly refused: CustodyError[] = [];
  readonly #incoming = new Incoming();
  #bell = new Bell();
  readonly tapes: Tapes;
  readonly #options: StandOptions;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #memory = new RelayMemory();
  readonly #stored: Uint8Array[][] = [[], [], [], []];
  #tape: SessionTape | undefined;

  static async start(options: StandOptions): Promise<UpgradeStand> {
    const pair = options.server ?? (await selfSigned('gateway'));
    const server = createServer({ cert: pair.cert, key: pair.key, ALPNProtocols: ['http/1.1'] });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const stand = new UpgradeStand(options, server, options.server?.ca ?? pair.cert);
    await stand.#open();
    return stand;
  }

  private constructor(options: StandOptions, server: Server, ca: string) {
    this.#options = options;
    this.#server = server;
    this.ca = ca;
    this.url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const { clock = () => performance.now() } = options;
    this.tapes = new Tapes({ postMessage: (message) => this.#receive(message) }, clock);
    server.on('secureConnection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => this.#sockets.delete(socket));
    });
    server.on('request', (asked, answer) => {
      const there = this.#ask(asked, plainHeaders(asked));
      there.on('response', (came) => {
        answer.writeHead(came.statusCode!, came.rawHeaders);
        came.pipe(answer);
      });
      there.on('error', () => answer.destroy());
      asked.pipe(there);
    });
    server.on('upgrade', (asked: IncomingMessage, socket: Socket, rest: Buffer) =>
      this.#upgrade(asked, socket, rest),
    );
  }

  /** The records of the call's stream, in their order. */
  async records(): Promise<Record<'client' | 'target' | 'gateway', readonly TapeRecord[]>> {
    this.tapes.handOver();
    await new Promise(setImmediate);
    const of = (stream: number): readonly TapeRecord[] => [
      ...new RecordReader().push(Buffer.concat(this.#stored[stream]!)),
    ];
    return { client: of(0), target: of(1), gateway: of(2) };
  }

  /** What JSON the notes have. */
  get notes(): readonly unknown[] {
    return this.#stored[3]!.map((bytes) => JSON.parse(Buffer.from(bytes).toString('utf8')) as unknown);
  }

  /** Something waits to be made durable. */
  get isAsked(): boolean {
    return this.#bell.answer();
  }

  makeDurable(): void {
    this.#bell.answer();
    this.#bell.rest();
    const taken = this.#incoming.take(1_000);
    if (taken === undefined) return;
    const { ranges, bytes, slabs } = taken;
    const scratch = new Uint8Array(this.#options.forgets === true ? 0 : bytes);
    if (this.#options.forgets !== true)
      for (const { rawFrames } of gatherFrames(ranges, scratch)) this.#store(Buffer.from(rawFrames));
    this.tapes.receive({ kind: 'durable', bytes, slabs });
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    this.tapes.stop();
  }

  #store(frames: Buffer): void {
    for (let at = 0; at < frames.length; ) {
      const end = at + 16 + frames.readUInt32LE(at);
      this.#stored[frames[at + 4]!]!.push(frames.subarray(at + 16, end));
      at = end;
    }
  }

  async #open(): Promise<void> {
    const onFailure = (error: CustodyError): void => {
      this.failures.push(error);
      for (const one of this.upgraded) one.end(error);
    };
    const { tape = {} } = this.#options;
    this.#tape = await this.tapes.open(opening(), {
      durability: 'windowed',
      windowMs: 250,
      deadlineMs: 5_000,
      onFailure,
      ...tape,
    });
    this.#tape.onWait(() => {
      for (const one of this.upgraded) one.wait();
    });
  }

  #receive(message: ToRecorder): void {
    if (message.kind === 'open')
      queueMicrotask(() => this.tapes.receive({ kind: 'opened', tape: message.tape }));
    if (message.kind === 'bell') this.#bell = new Bell(message.memory);
    if (message.kind === 'slab') this.#incoming.add(message.buffer);
    if (message.kind !== 'slab' && message.kind !== 'take') return;
    if (this.#options.held !== true) setImmediate(() => this.makeDurable());
  }

  #upgrade(asked: IncomingMessage, socket: Socket, rest: Uint8Array): void {
    const refuse = (error: unknown): void => {
      this.refused.push(error as CustodyError);
      socket.end(`HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n${String(error)}`);
    };
    try {
      const upgrade = upgradeAsked({
        method: asked.method!,
        headers: pairs(asked),
        call: callFor(asked.url!),
        early: rest,
      })!;
      const there = this.#ask(asked, upgrade.headers);
      there.on('response', (came) => {
        socket.write(`HTTP/1.1 ${came.statusCode} No\r\nConnection: close\r\n\r\n`);
        came.pipe(socket);
      });
      there.on('error', refuse);
      there.on('upgrade', (answer, target, targetRest) => {
        try {
          const form = upgrade.granted(answer.statusCode!, pairs(answer));
          this.#relay(socket, rest, target, targetRest, answer, form);
        } catch (error) {
          target.destroy();
          refuse(error);
        }
      });
      there.end();
    } catch (error) {
      refuse(error);
    }
  }

  #relay(
    client: Socket,
    clientRest: Uint8Array,
    target: Socket,
    targetRest: Uint8Array,
    answer: IncomingMessage,
    form: StreamForm,
  ): void {
    const upgraded = relayUpgrade({
      client: { socket: client, rest: clientRest },
      target: { socket: target, rest: targetRest },
      answer,
      form,
      records: new CallTape(this.#tape!, new RecordSpace()),
      call: this.upgraded.length + 1,
      memory: this.#memory,
      bindings: streamBindings(),
      userTimeoutMs: { client: 30_000, target: 30_000 },
    });
    this.forms.push(form);
    this.upgraded.push(upgraded);
  }

  #ask(asked: IncomingMessage, headers: Headers): ClientRequest {
    const { target, authorization } = this.#options;
    const options: RequestOptions & {
      ca: string;
      cert?: string | undefined;
      key?: string | undefined;
      checkServerIdentity: () => undefined;
    } = {
      method: asked.method!,
      path: asked.url!,
      agent: false,
      ca: target.ca,
      ...(target.cert === undefined ? {} : { cert: target.cert, key: target.key }),
      checkServerIdentity: () => undefined,
      headers: [
        'Host',
        new URL(target.url).host,
        ...headers.flat(),
        ...(authorization === undefined ? [] : ['Authorization', authorization]),
      ],
    };
    return (target.url.startsWith('https') ? request : plainRequest)(target.url, options);
  }
}

function pairs({ rawHeaders }: IncomingMessage): Headers {
  return rawHeaders.flatMap((name, at) => (at % 2 === 0 ? [[name, rawHeaders[at + 1]!] as const] : []));
}

function plainHeaders(asked: IncomingMessage): Headers {
  return pairs(asked).filter(([name]) => !/^(?:host|authorization|connection)$/i.test(name));
}

/** As policy's `callOf`, of the few paths that are upgraded. */
export function callFor(target: string): Call {
  const url = new URL(target, 'https://there');
  const found = /^\/api\/v1\/namespaces\/([^/]+)\/([^/]+)\/([^/]+)\/([^/]+)(?:\/(.*))?$/.exec(url.pathname);
  if (found === null)
    return { kind: 'path', verb: 'get', path: url.pathname, query: url.searchParams, upgrades: true };
  const [, namespace = '', resource = '', name = '', subresource = '', rest] = found;
  return {
    kind: 'resource',
    verb: 'create',
    group: '',
    version: 'v1',
    ...{ namespace, resource, name, subresource, query: url.searchParams, upgrades: true },
    ...(rest === undefined ? {} : { rest }),
  };
}
