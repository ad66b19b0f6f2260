/** A doorway for Kubernetes between real clients and an API server that a test writes; the recorder is the test's as well. */
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server as NetServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSecureContext } from 'node:tls';
import { parseConfig } from '#core/access/config.ts';
import { Authorization, decide } from '#core/access/decide.ts';
import { asCustodyError, CustodyError } from '#core/errors.ts';
import { RecordReader, type TapeRecord } from '#core/protocols/kubernetes/tape.ts';
import { type CloseReason, FRAME_HEADER_BYTES } from '#core/recording/format.ts';
import { gatherFrames } from '#core/recording/slab.ts';
import type { Greeting, Link, Reception } from '#proxy/protocol.ts';
import { RecordSpace } from '#proxy/protocols/kubernetes/call-tape.ts';
import { kubernetesProtocol } from '#proxy/protocols/kubernetes/kubernetes.ts';
import type { KubernetesOptions } from '#proxy/protocols/kubernetes/options.ts';
import { Bell } from '#proxy/recorder/bell.ts';
import { Incoming, type Taken } from '#proxy/recorder/incoming.ts';
import type { ToRecorder } from '#proxy/recorder/messages.ts';
import { Tapes } from '#proxy/recorder/tapes.ts';
import { streamBindings } from '#proxy/wire/raw-end.ts';
import { RelayMemory } from '#proxy/wire/relay-memory.ts';
import { NOW, principal } from '#test/core/access/support.ts';
import { opening } from '#test/support/recorder.ts';
import { selfSigned } from '#test/support/self-signed.ts';

export const STREAMS = ['client', 'target', 'gateway', 'note'] as const;
export const TOKEN = 'good-token';

export interface StandOptions extends Partial<KubernetesOptions> {
  /** More of the target, as YAML in braces without them. */
  readonly target?: string;
  /** More of the rule. */
  readonly rule?: string;
  /** The first port of the target; a server of the test listens there. */
  readonly targetPort: number;
  readonly targetCa: string;
  /** Nothing becomes durable before the test says so. */
  readonly isHeld?: boolean;
  /** Of the recorder, monotonic milliseconds. */
  readonly clock?: () => number;
}

export interface Recorded extends TapeRecord {
  readonly stream: (typeof STREAMS)[number];
  /** Of which recording. */
  readonly tape: number;
}

/** One session that was begun. */
export interface Begun {
  readonly greeting: Greeting;
  readonly link: Link;
  readonly session: string;
  ended?: { readonly reason: CloseReason; readonly detail?: string };
}

export class KubernetesStand {
  port = 0;
  cert = '';
  readonly begun: Begun[] = [];
  readonly refusals: CustodyError[] = [];
  /** Timers of the doorway, which run when a test says so. */
  readonly timers: { readonly ms: number; readonly over: () => void }[] = [];
  now = NOW;
  /** What `begin` refuses with. */
  refuses: CustodyError | undefined;
  /** What `begin` waits for, as for an approval. */
  awaits: Promise<void> | undefined;
  secret = 'gateway-token';
  secretsRead = 0;
  readonly #drains = new AbortController();
  readonly #options: StandOptions;
  readonly #folder = mkdtempSync(join(tmpdir(), 'custody-kubernetes-'));
  readonly #incoming = new Incoming();
  #bell = new Bell();
  /** Taken, and not durable. */
  readonly #taken: Taken[] = [];
  readonly #kept: { readonly tape: number; readonly frames: Buffer }[] = [];
  readonly #sockets = new Set<Socket>();
  readonly #tapes: Tapes;
  #server: NetServer | undefined;
  #opened = 0;
  readonly failures: CustodyError[] = [];

  private constructor(options: StandOptions) {
    this.#options = options;
    const { clock = () => performance.now() } = options;
    this.#tapes = new Tapes({ postMessage: (message) => this.#toRecorder(message) }, clock);
  }

  static async start(options: StandOptions): Promise<KubernetesStand> {
    const stand = new KubernetesStand(options);
    await stand.#listen();
    return stand;
  }

  stop(): void {
    for (const { link } of this.begun)
      link.end('terminated', new CustodyError('terminated', 'the test is over'));
    for (const socket of this.#sockets) socket.destroy();
    this.#server?.close();
    this.#tapes.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  drain(): void {
    this.#drains.abort(new CustodyError('draining', 'draining'));
  }

  /** Runs the newest timer of so many milliseconds that was not called off. */
  elapse(ms: number): void {
    const at = this.timers.findLastIndex((timer) => timer.ms === ms);
    if (at < 0) throw new Error(`no timer of ${ms} ms`);
    const [timer] = this.timers.splice(at, 1);
    timer!.over();
  }

  /** All that was recorded until now, of all sessions. */
  records(): Recorded[] {
    const readers = new Map<string, RecordReader>();
    const found: Recorded[] = [];
    for (const { tape, stream, payload } of this.#frames()) {
      if (stream === 'note') continue;
      const of = `${tape} ${stream}`;
      const reader = readers.get(of) ?? new RecordReader();
      readers.set(of, reader);
      for (const record of reader.push(payload)) found.push({ ...record, stream, tape });
    }
    return found;
  }

  notes(): { readonly note: string; readonly [more: string]: unknown }[] {
    return [...this.#frames()]
      .filter(({ stream }) => stream === 'note')
      .map(({ payload }) => JSON.parse(payload.toString()));
  }

  *#frames(): Generator<{
    readonly tape: number;
    readonly stream: (typeof STREAMS)[number];
    readonly payload: Buffer;
  }> {
    this.#tapes.handOver();
    this.#take();
    const byTape = Map.groupBy(this.#kept, ({ tape }) => tape);
    for (const { tape, frames } of [...byTape.values()].flat()) {
      for (let at = 0; at < frames.length; ) {
        const length = frames.readUInt32LE(at);
        const payload = frames.subarray(at + FRAME_HEADER_BYTES, at + FRAME_HEADER_BYTES + length);
        yield { tape, stream: STREAMS[frames[at + 4]!]!, payload };
        at += FRAME_HEADER_BYTES + length;
      }
    }
  }

  /** What was handed to the recorder becomes durable. */
  makeDurable(): void {
    this.#tapes.handOver();
    this.#take();
    for (const { bytes, slabs } of this.#taken.splice(0))
      this.#tapes.receive({ kind: 'durable', bytes, slabs });
  }

  #take(): void {
    this.#bell.answer();
    this.#bell.rest();
    const taken = this.#incoming.take(1_000);
    if (taken === undefined) return;
    this.#taken.push(taken);
    for (const { tape, rawFrames } of gatherFrames(taken.ranges, new Uint8Array(taken.bytes)))
      this.#kept.push({ tape, frames: Buffer.from(rawFrames) });
  }

  failRecorder(error: CustodyError): void {
    this.#tapes.die(error);
  }

  async #listen(): Promise<void> {
    const { cert, key } = await selfSigned('localhost');
    this.cert = cert;
    const protocol = kubernetesProtocol({
      bindings: streamBindings(),
      memory: new RelayMemory(),
      space: new RecordSpace(),
      tls: () => createSecureContext({ cert, key }),
      targetOf: () => undefined,
      judgeOf: () => ({ judge: () => ({ kind: 'passes' }) }),
      userTimeoutMs: 30_000,
      wallClock: () => this.now,
      after: (ms, over) => {
        const timer = { ms, over };
        this.timers.push(timer);
        return () => void (this.timers.includes(timer) && this.timers.splice(this.timers.indexOf(timer), 1));
      },
      ...this.#options,
    });
    this.#server = createServer({ noDelay: true }, (socket) => {
      this.#sockets.add(socket);
      void protocol.converse(socket, this.#receptionOf(socket));
    });
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    this.port = (this.#server.address() as AddressInfo).port;
  }

  #receptionOf(socket: Socket): Reception {
    return {
      client: `${socket.remoteAddress}:${socket.remotePort}`,
      signal: new AbortController().signal,
      drains: this.#drains.signal,
      begin: (greeting) => this.#begin(greeting),
      join: () => undefined,
      refused: (error) => void this.refusals.push(error),
    };
  }

  async #begin(greeting: Greeting): Promise<string | undefined> {
    try {
      if (this.awaits !== undefined) {
        greeting.notify('access needs an approval', 'this connection waits; ask r', 'ask r');
        await this.awaits;
      }
      if (this.refuses !== undefined) throw this.refuses;
      const { credential } = greeting;
      if (credential.kind !== 'token' || !credential.token.startsWith(TOKEN))
        throw new CustodyError('token-invalid', 'the token is not good');
      const permission = this.#permission(greeting.target);
      const session = { ...opening(this.#opened) };
      this.#opened += 1;
      const { recording } = permission.target;
      const tape = await this.#tapes.open(session, {
        ...recording,
        onFailure: (error) => {
          this.failures.push(error);
          begun?.link.end('recording-failed', error);
        },
      });
      greeting.recordLogin(tape);
      const held = {
        claim: async () => undefined,
        secret: async () => {
          this.secretsRead += 1;
          return this.secret;
        },
        rotated: async () => undefined,
      };
      const link = await greeting.dial(permission, this.secret, tape, AbortSignal.timeout(5_000), held);
      const begun: Begun = { greeting, link, session: session.session };
      this.begun.push(begun);
      void link.relay().then((ended) => (begun.ended = ended));
      return session.session;
    } catch (thrown) {
      greeting.refuse(asCustodyError(thrown));
      return undefined;
    }
  }

  #permission(target: string): Authorization<'connect'> {
    const caFile = join(this.#folder, 'ca.pem');
    writeFileSync(caFile, this.#options.targetCa);
    const { target: more = '', rule = '', targetPort } = this.#options;
    const policy = parseConfig(
      `version: 1
identity: { issuer: "https://id.example", audience: custody }
targets:
  prod: { protocol: kubernetes, address: "localhost:${targetPort}", credential: { tokenFile: t }, tls: { caFile: ${caFile} }, ${more} }
  other: { protocol: kubernetes, address: "localhost:${targetPort}", credential: { tokenFile: t }, tls: { caFile: ${caFile} } }
rules: [{ name: all, groups: [developers], targets: ["*"], allow: [connect], ${rule} }]
`,
      'custody.yaml',
    );
    const decision = decide({
      policy,
      principal: principal('dana', ['developers'], { email: 'dana@example.com' }),
      action: 'connect',
      target,
      now: NOW,
    });
    if (!Authorization.isOne(decision)) throw new CustodyError(decision.code, decision.message);
    return decision;
  }

  #toRecorder(message: ToRecorder): void {
    if (message.kind === 'open')
      queueMicrotask(() => this.#tapes.receive({ kind: 'opened', tape: message.tape }));
    if (message.kind === 'bell') this.#bell = new Bell(message.memory);
    if (message.kind === 'slab') this.#incoming.add(message.buffer);
    if (message.kind !== 'slab' && message.kind !== 'take') return;
    if (this.#options.isHeld !== true) queueMicrotask(() => this.makeDurable());
  }
}
