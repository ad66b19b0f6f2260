import { once } from 'node:events';
import type { Socket } from 'node:net';
import type { SecureContext, TLSSocket } from 'node:tls';
import type { Target } from '#core/access/config.ts';
import type { Authorization } from '#core/access/decide.ts';
import { asCustodyError, type CustodyError } from '#core/errors.ts';
import { authenticationOk, backendKeyData, noticeResponse } from '#core/protocols/postgres/backend.ts';
import { errorResponseFor } from '#core/protocols/postgres/sqlstate.ts';
import type { Device } from '#core/identity/principal.ts';
import { encodeCancelRequest } from '#core/protocols/postgres/startup.ts';
import { Stream } from '#core/recording/format.ts';
import type { Greeting, Link, Protocol } from '../../protocol.ts';
import type { SessionTape } from '../../recorder/tapes.ts';
import { farewell } from '../../wire/farewell.ts';
import { RawEnd, type StreamBindings } from '../../wire/raw-end.ts';
import type { RelayMemory } from '../../wire/relay-memory.ts';
import type { CancelKeys } from './cancel.ts';
import { connectTarget } from './dial.ts';
import { gatewaySetting, type Login, readLogin, refuseLogin } from './greet.ts';
import { exactTerms } from './exact-terms.ts';
import { type ExactTerms, PostgresLink } from './link.ts';
import { loginToTarget, type TargetSession } from './target-login.ts';
import { parametersForTarget } from './parameters.ts';
import { deviceOf, requireTls } from './tls.ts';
import { LoginTranscript } from './transcript.ts';

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
}

/** PostgreSQL, protocol 3.0 and 3.2. https://www.postgresql.org/docs/current/protocol.html */
export function postgresProtocol(options: PostgresOptions): Protocol {
  return { name: 'postgres', greet: (socket, signal) => greet(socket, signal, options) };
}

async function greet(
  socket: Socket,
  signal: AbortSignal,
  options: PostgresOptions,
): Promise<Greeting | undefined> {
  let reachable: Socket = socket;
  socket.on('error', () => socket.destroy());
  signal.addEventListener('abort', () => sayGoodbye(reachable, asCustodyError(signal.reason)), {
    once: true,
  });
  try {
    const secure = await requireTls(socket, options.tls());
    if ('kind' in secure) return await answerCancel(socket, () => options.keys.cancel(secure, peer(socket)));
    reachable = secure;
    const transcript = new LoginTranscript((bytes) => void secure.write(bytes));
    const login = await readLogin(secure, transcript, { issuer: options.issuer() });
    if ('kind' in login) return await answerCancel(secure, () => options.keys.cancel(login, peer(socket)));
    return new PostgresGreeting({ secure, login, transcript, options });
  } catch (thrown) {
    sayGoodbye(reachable, asCustodyError(thrown));
    throw thrown;
  }
}

/** PostgreSQL answers a cancel request by closing, once the signal is sent. */
async function answerCancel(socket: Socket, cancel: () => Promise<void>): Promise<undefined> {
  await cancel().catch(() => undefined);
  farewell(socket, new Uint8Array(0));
}

function sayGoodbye(socket: Socket, error: CustodyError): void {
  farewell(socket, errorResponseFor(error));
}

function peer(socket: Socket): string {
  return `${socket.remoteAddress}:${socket.remotePort}`;
}

interface GreetingParts {
  readonly secure: TLSSocket;
  readonly login: Login;
  readonly transcript: LoginTranscript;
  readonly options: PostgresOptions;
}

class PostgresGreeting implements Greeting {
  readonly target: string;
  readonly token: string;
  readonly client: Greeting['client'];
  readonly device?: Device;
  readonly ask: Greeting['ask'];
  /** AuthenticationOk has gone out: clients take a notice only after it. */
  #greeted = false;
  readonly #parts: GreetingParts;

  constructor(parts: GreetingParts) {
    this.#parts = parts;
    const { token, startup } = parts.login;
    const user = startup.parameters.get('user')!;
    const application = startup.parameters.get('application_name');
    this.token = token;
    this.target = startup.parameters.get('database') ?? user;
    this.client = { user, ...(application === undefined ? {} : { application }) };
    const device = deviceOf(parts.secure);
    if (device !== undefined) this.device = device;
    const reason = gatewaySetting(startup.parameters, 'reason');
    const ticket = gatewaySetting(startup.parameters, 'ticket');
    this.ask = { ...(reason === undefined ? {} : { reason }), ...(ticket === undefined ? {} : { ticket }) };
  }

  get gone(): boolean {
    const { secure } = this.#parts;
    return secure.destroyed || secure.readableEnded;
  }

  notify(message: string, hint: string): void {
    const { transcript, secure } = this.#parts;
    if (!this.#greeted) transcript.say(authenticationOk());
    this.#greeted = true;
    transcript.say(noticeResponse({ severity: 'NOTICE', sqlstate: SUCCESS, message, hint }));
    // Nobody reads while the client waits: this way its leaving is seen all the same, and what it sends stays.
    secure.on('readable', () => {
      if (secure.readableLength === 0) secure.read();
    });
  }

  refuse(error: CustodyError): void {
    const { secure, login, options } = this.#parts;
    void refuseLogin(secure, login, options.issuer(), error);
  }

  recordLogin(tape: SessionTape): void {
    this.#parts.transcript.playOnto(tape);
  }

  async dial(
    permission: Authorization<'connect'>,
    secret: string,
    tape: SessionTape,
    signal: AbortSignal,
    claim: () => Promise<void>,
  ): Promise<Link> {
    const { login, secure } = this.#parts;
    const { target } = permission;
    const exact = exactTerms(permission, claim);
    const parameters = parametersForTarget(login.startup.parameters, target, exact);
    const socket = await connectTarget(target, signal);
    const abandon = (): void => void socket.destroy();
    signal.addEventListener('abort', abandon, { once: true });
    secure.once('close', abandon);
    try {
      const session = await loginToTarget(socket, target, secret, { minor: login.minor, parameters });
      return await this.#link(target, exact, socket, session, tape);
    } catch (error) {
      socket.destroy();
      throw error;
    } finally {
      signal.removeEventListener('abort', abandon);
      secure.off('close', abandon);
    }
  }

  async #link(
    target: Target,
    exact: ExactTerms | undefined,
    socket: Socket,
    session: TargetSession,
    tape: SessionTape,
  ): Promise<Link> {
    const { login, secure, options } = this.#parts;
    const { keys } = options;
    const { rest: targetRest } = session;
    const targetKey = { processId: session.processId, secret: session.secret };
    const cancelQuery = (): Promise<void> => cancelAtTarget(target, targetKey);
    const key = keys.issue(login.minor, (from) => {
      tape.note({ note: 'cancel', from });
      return cancelQuery();
    });
    await keys.publish(key);
    await welcome(secure, session, key, tape, this.#greeted);
    secure.removeAllListeners('readable');
    const clientRest = login.reader.rest();
    return new PostgresLink({
      client: new RawEnd(secure, options.memory, options.bindings),
      target: new RawEnd(socket, options.memory, options.bindings),
      tape,
      memory: options.memory,
      exact,
      clientRest,
      targetRest,
      cancelQuery,
      release: () => keys.revoke(key.processId),
    });
  }
}

/** Resolves when the client's side has taken the bytes. */
function written(socket: Socket, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.write(bytes, (error) => (error ? reject(error) : resolve()));
  });
}

/** The target's own settings, a cancel key of the gateway's, and the target's ReadyForQuery. */
async function welcome(
  secure: TLSSocket,
  { forClient, ready }: TargetSession,
  { processId, secret }: { readonly processId: number; readonly secret: Uint8Array },
  tape: SessionTape,
  greeted: boolean,
): Promise<void> {
  const ok = greeted ? new Uint8Array() : authenticationOk();
  const settings = Buffer.concat(forClient);
  if (!greeted) tape.record(Stream.gateway, ok, ok.byteLength);
  if (settings.byteLength > 0) tape.record(Stream.target, settings, settings.byteLength);
  const key = backendKeyData(processId, secret);
  tape.record(Stream.gateway, key, key.byteLength - secret.byteLength);
  tape.recordWithheld(Stream.gateway, secret.byteLength);
  tape.record(Stream.target, ready, ready.byteLength);
  await written(secure, Buffer.concat([ok, settings, key, ready]));
}

/** The target's own cancel key, over a connection of its own; resolves when the target has closed it. */
async function cancelAtTarget(
  target: Target,
  { processId, secret }: Pick<TargetSession, 'processId' | 'secret'>,
): Promise<void> {
  const socket = await connectTarget(target, AbortSignal.timeout(CANCEL_MS));
  socket.setTimeout(CANCEL_MS, () => socket.destroy());
  socket.end(encodeCancelRequest(processId, secret));
  socket.resume();
  await once(socket, 'close');
}
