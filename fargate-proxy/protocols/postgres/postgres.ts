import { once } from 'node:events';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SecureContext, TLSSocket } from 'node:tls';
import type { Authorization } from '#core/access/decide.ts';
import { asCustodyError, CustodyError } from '#core/errors.ts';
import type { Credential, ProvedKey } from '#core/identity/credential.ts';
import {
  authenticationOk,
  backendKeyData,
  noticeResponse,
  parameterStatus,
} from '#core/protocols/postgres/backend.ts';
import type { CommandSight } from '#core/protocols/postgres/contract-sight.ts';
import type { PostgresTarget } from '#core/protocols/postgres/schema.ts';
import { errorResponseFor, oldErrorResponseFor } from '#core/protocols/postgres/sqlstate.ts';
import { encodeCancelRequest } from '#core/protocols/postgres/startup.ts';
import { Stream } from '#core/recording/format.ts';
import { untilEither } from '#core/until-either.ts';
import type { Greeting, Held, Link, Protocol } from '../../protocol.ts';
import type { SessionTape } from '../../recorder/tapes.ts';
import { destroyOnError } from '../../wire/connect.ts';
import { farewell } from '../../wire/farewell.ts';
import { RawEnd, type StreamBindings } from '../../wire/raw-end.ts';
import type { RelayMemory } from '../../wire/relay-memory.ts';
import { deviceOf } from '../../wire/tls-device.ts';
import type { CancelKey, CancelKeys, Canceller } from './cancel.ts';
import { contractTerms } from './contract-terms.ts';
import { connectTarget } from './dial.ts';
import { exactTerms } from './exact-terms.ts';
import type { GateTerms } from './gate-terms.ts';
import { type Login, readLogin, refuseLogin } from './greet.ts';
import { PostgresLink } from './link.ts';
import { parametersForTarget } from './parameters.ts';
import { type Reached, reachTarget } from './reach.ts';
import { namedTarget, namedTask } from './settings.ts';
import type { TargetKey, TargetRefusal, TargetSession } from './target-login.ts';
import { type Peer, requireTls } from './tls.ts';
import { LoginTranscript } from './transcript.ts';
import { Trust } from './trust.ts';

const CANCEL_MS = 10_000;
/** SQLSTATE successful_completion. */
const SUCCESS = '00000';

export interface PostgresOptions {
  /** As it is at the time. */
  readonly tls: () => SecureContext;
  /** Told to OAUTHBEARER clients that have no token yet. */
  readonly issuer: () => string;
  readonly memory: RelayMemory;
  readonly bindings: StreamBindings;
  /** Of all sessions of this task. */
  readonly keys: CancelKeys;
  /** What sees commands in what clients send, for sessions that are tasks. */
  readonly commands?: (() => Promise<CommandSight>) | undefined;
  /** The file with the certificates of RDS, which a target's `ca: rds` means. */
  readonly rdsBundle?: string | undefined;
}

/** PostgreSQL, protocol 3.0 and 3.2. https://www.postgresql.org/docs/current/protocol.html */
export function postgresProtocol(options: PostgresOptions): Protocol {
  const parts = { ...options, trust: new Trust(options.rdsBundle) };
  return { name: 'postgres', greet: (socket, { signal }) => greet(socket, signal, parts) };
}

async function greet(
  socket: Socket,
  signal: AbortSignal,
  options: GreetingOptions,
): Promise<Greeting | undefined> {
  const peer: Peer = { socket, speaks: undefined };
  const tooSlow = (): void => sayGoodbye(peer, asCustodyError(signal.reason));
  destroyOnError(socket);
  signal.addEventListener('abort', tooSlow, { once: true });
  try {
    const secure = await requireTls(peer, options.tls());
    if ('kind' in secure)
      return await answerCancel(socket, () => options.keys.cancel(secure, addressOf(socket)));
    peer.socket = secure;
    const transcript = new LoginTranscript((bytes) => void secure.write(bytes));
    const login = await readLogin(secure, peer, transcript, { issuer: options.issuer() });
    if ('kind' in login)
      return await answerCancel(secure, () => options.keys.cancel(login, addressOf(socket)));
    return new PostgresGreeting({ secure, login, transcript, options, signal });
  } catch (thrown) {
    signal.throwIfAborted();
    const error = asCustodyError(thrown);
    sayGoodbye(peer, error);
    // A probe of the port, or a client that asks somebody for a password and comes back.
    if (error.code === 'peer-left') return undefined;
    throw error;
  } finally {
    signal.removeEventListener('abort', tooSlow);
  }
}

/** PostgreSQL answers a cancel request by closing, once the signal is sent. */
async function answerCancel(socket: Socket, cancel: () => Promise<void>): Promise<undefined> {
  await cancel().catch(() => undefined);
  farewell(socket, new Uint8Array(0));
}

/** Tells why, in the words of its protocol, whoever is known to speak it. */
function sayGoodbye({ socket, speaks }: Peer, error: CustodyError): void {
  if (speaks === undefined) return farewell(socket, new Uint8Array(0));
  const isOld = speaks === 1 || speaks === 2;
  farewell(socket, isOld ? oldErrorResponseFor(error) : errorResponseFor(error));
}

function addressOf({ remoteAddress, remotePort }: Socket): Canceller {
  return { address: remoteAddress, port: remotePort };
}

type GreetingOptions = PostgresOptions & { readonly trust: Trust };

interface GreetingParts {
  readonly secure: TLSSocket;
  readonly login: Login;
  readonly transcript: LoginTranscript;
  readonly options: GreetingOptions;
  /** Aborted when the client has waited long enough. */
  readonly signal: AbortSignal;
}

class PostgresGreeting implements Greeting {
  readonly target: string;
  readonly credential: Credential;
  readonly client: Greeting['client'];
  readonly device?: ProvedKey;
  readonly ask: Greeting['ask'];
  readonly task?: NonNullable<Greeting['task']>;
  readonly sandbox?: string;
  readonly trace?: string;
  /** AuthenticationOk has gone out: clients take a notice only after it, and libpq tries nothing else. */
  #identified = false;
  #refused = false;
  /** What the target said when it refused the session. */
  #words: Uint8Array | undefined;
  readonly #left = new AbortController();
  readonly #parts: GreetingParts;

  constructor(parts: GreetingParts) {
    this.#parts = parts;
    const { secure, login, signal } = parts;
    const { token, startup, settings } = login;
    const user = startup.parameters.get('user')!;
    const application = startup.parameters.get('application_name');
    this.credential = { kind: 'token', token };
    this.target = namedTarget(startup, settings);
    this.client = { user, ...(application === undefined ? {} : { application }) };
    const device = deviceOf(secure);
    if (device !== undefined) this.device = device;
    const reason = settings.get('reason');
    const ticket = settings.get('ticket');
    this.ask = { ...(reason === undefined ? {} : { reason }), ...(ticket === undefined ? {} : { ticket }) };
    const task = namedTask(settings);
    if (task !== undefined) this.task = task;
    const sandbox = settings.get('sandbox');
    if (sandbox !== undefined) this.sandbox = sandbox;
    const trace = settings.get('traceparent');
    if (trace !== undefined) this.trace = trace;
    signal.addEventListener('abort', () => this.refuse(asCustodyError(signal.reason)), { once: true });
    secure.once('close', this.#whenClosed);
  }

  readonly #whenClosed = (): void => this.#left.abort(clientLeft());

  get gone(): boolean {
    const { secure } = this.#parts;
    return secure.destroyed || secure.readableEnded;
  }

  identified(): void {
    if (this.#identified) return;
    this.#identified = true;
    const { transcript, secure } = this.#parts;
    // It goes out with what comes next, by one write: nobody waits for it alone.
    secure.cork();
    transcript.say(authenticationOk());
    // Nobody reads while the client waits: this way its leaving is seen all the same, and what it sends stays.
    secure.on('readable', () => {
      if (secure.readableLength === 0) secure.read();
    });
  }

  notify(message: string, hint: string): void {
    this.identified();
    this.#parts.transcript.say(noticeResponse({ severity: 'NOTICE', sqlstate: SUCCESS, message, hint }));
    this.#parts.secure.uncork();
  }

  refuse(error: CustodyError): void {
    if (this.#refused) return;
    this.#refused = true;
    const { secure, login, options } = this.#parts;
    const words = this.#words ?? errorResponseFor(withHint(error, login));
    void refuseLogin(secure, login, this.#identified ? undefined : options.issuer(), error.code, words);
  }

  recordLogin(tape: SessionTape): void {
    this.identified();
    this.#parts.transcript.playOnto(tape);
  }

  async dial(
    permission: Authorization<'connect'>,
    secret: string | undefined,
    tape: SessionTape,
    signal: AbortSignal,
    held: Held,
  ): Promise<Link> {
    const { login, options } = this.#parts;
    const { minor, startup } = login;
    const target = permission.target as PostgresTarget;
    refuseRerun(login, target);
    const gated = await gateTerms(permission, held, options.commands);
    const parameters = parametersForTarget(startup.given, target, gated);
    return untilEither(signal, this.#left.signal, async (until) => {
      const reached = await reachTarget(target, {
        trust: options.trust,
        startup: { minor, parameters },
        secret: secret!,
        rotated: (used) => held.rotated(used),
        signal: until,
        onAgain: ({ code, message }) => tape.note({ note: 'target-tried-again', code, message }),
        pause: (ms, whole) => sleep(ms, undefined, { signal: whole }),
      });
      if ('refusal' in reached) throw this.#passOn(reached, tape);
      return this.#linkUntil(until, target, gated, reached, tape);
    });
  }

  async #linkUntil(
    until: AbortSignal,
    target: PostgresTarget,
    gated: GateTerms | undefined,
    { socket, session }: Reached,
    tape: SessionTape,
  ): Promise<Link> {
    const abandon = (): void => void socket.destroy();
    until.addEventListener('abort', abandon, { once: true });
    try {
      until.throwIfAborted();
      return await this.#link(target, gated, socket, session, tape);
    } catch (error) {
      socket.destroy();
      until.throwIfAborted();
      throw error;
    } finally {
      until.removeEventListener('abort', abandon);
    }
  }

  /** The target's own words are what the client reads, all of their fields. */
  #passOn({ refusal, error }: TargetRefusal, tape: SessionTape): CustodyError {
    this.#words = Buffer.concat(refusal);
    tape.record(Stream.target, this.#words, this.#words.byteLength);
    return error;
  }

  async #link(
    target: PostgresTarget,
    gated: GateTerms | undefined,
    socket: Socket,
    session: TargetSession,
    tape: SessionTape,
  ): Promise<Link> {
    const { login, secure, options } = this.#parts;
    const { keys, trust } = options;
    const { key: targetKey, rest: targetRest } = session;
    const cancelQuery = async (): Promise<void> => {
      if (targetKey !== undefined) await cancelAtTarget(target, trust, targetKey);
    };
    let link: PostgresLink | undefined;
    const key =
      targetKey &&
      keys.issue(targetKey.processId, login.minor, (from) => {
        tape.note({ note: 'cancel', from });
        return link === undefined ? cancelQuery() : link.cancel();
      });
    if (key !== undefined)
      keys.publish(key).catch((error: unknown) => {
        const { code, message } = asCustodyError(error);
        tape.note({ note: 'cancel-key-unknown', code, message });
      });
    try {
      if (login.settings.has('rerun')) {
        tape.note({ note: 'rerun', of: login.settings.get('rerun') });
        this.#parts.transcript.say(parameterStatus(OWN_SESSION, tape.session));
        this.#parts.transcript.playOnto(tape);
      }
      await welcome(secure, session, key, tape);
    } catch (error) {
      if (key !== undefined) keys.revoke(key);
      throw error;
    }
    // The socket lives as long as the session, and would keep all that only the login needed.
    secure.removeAllListeners('readable').off('close', this.#whenClosed);
    const clientRest = login.reader.rest();
    link = new PostgresLink({
      client: new RawEnd(secure, options.memory, options.bindings),
      target: new RawEnd(socket, options.memory, options.bindings),
      tape,
      memory: options.memory,
      gated,
      clientRest,
      targetRest,
      cancelQuery,
      release: () => key && keys.revoke(key),
    });
    return link;
  }
}

/** What a rerun is told of itself: the id of the session that it is. */
const OWN_SESSION = 'custody.session';

/** What is run again goes to a sandbox and nowhere else, whatever whoever sends it has looked at. */
function refuseRerun({ settings }: Login, { name, sandbox }: PostgresTarget): void {
  if (!settings.has('rerun') || sandbox !== undefined) return;
  throw new CustodyError('access-denied', `${name} is no sandbox, and a session is run again nowhere else`);
}

/** What a session is held to; undefined where everything may pass. */
async function gateTerms(
  permission: Authorization<'connect'>,
  held: Held,
  commands: PostgresOptions['commands'],
): Promise<GateTerms | undefined> {
  const exact = exactTerms(permission, () => held.claim());
  const { task } = held;
  if (task === undefined) return exact;
  if (exact !== undefined)
    throw new CustodyError('access-denied', 'a grant for exact commands opens no session that is a task', {
      hint: 'its contract says what a task may do: ask for access that is not bound to commands, or connect without run and task',
    });
  if (commands === undefined) throw new CustodyError('unsupported', 'this gateway cannot see commands');
  return contractTerms(permission.target as PostgresTarget, task, await commands());
}

function clientLeft(): CustodyError {
  return new CustodyError('peer-left', 'the client went away during the login');
}

/** What a client of the replication protocol is told that could not name its target as others do. */
function withHint(error: CustodyError, { startup, settings }: Login): CustodyError {
  const { parameters } = startup;
  const isNameless = parameters.has('replication') && parameters.get('database') === 'replication';
  if (error.code !== 'access-denied' || !isNameless || settings.has('target')) return error;
  const user = parameters.get('user')!;
  return new CustodyError(error.code, error.message, {
    hint: `this client cannot choose its database: name the target in its user, as ${user}+TARGET`,
  });
}

/** Resolves when the client's side has taken the bytes. */
function written(socket: Socket, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.write(bytes, (error) => (error ? reject(error) : resolve()));
    socket.uncork();
  });
}

/** The target's own settings, its process with a secret of the gateway's, and its ReadyForQuery. */
async function welcome(
  secure: TLSSocket,
  { forClient, ready }: TargetSession,
  key: CancelKey | undefined,
  tape: SessionTape,
): Promise<void> {
  const settings = Buffer.concat(forClient);
  const cancelKey = key === undefined ? new Uint8Array() : backendKeyData(key.processId, key.secret);
  if (settings.byteLength > 0) tape.record(Stream.target, settings, settings.byteLength);
  if (key !== undefined) {
    tape.record(Stream.gateway, cancelKey, cancelKey.byteLength - key.secret.byteLength);
    tape.recordWithheld(Stream.gateway, key.secret.byteLength);
  }
  tape.record(Stream.target, ready, ready.byteLength);
  await written(secure, Buffer.concat([settings, cancelKey, ready]));
}

/** The target's own cancel key, over a connection of its own; resolves when the target has closed it. */
async function cancelAtTarget(
  target: PostgresTarget,
  trust: Trust,
  { processId, secret }: TargetKey,
): Promise<void> {
  const socket = await connectTarget(target, trust, AbortSignal.timeout(CANCEL_MS));
  socket.setTimeout(CANCEL_MS, () => socket.destroy());
  socket.end(encodeCancelRequest(processId, secret));
  socket.resume();
  await once(socket, 'close');
}
