import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { CustodyError } from '#core/errors.ts';
import type { Authentication, BackendMessage } from '#core/protocols/postgres/backend.ts';
import { certificateHash } from '#core/protocols/postgres/channel-binding.ts';
import { passwordMessage, saslInitialResponse, saslResponse } from '#core/protocols/postgres/frontend.ts';
import { md5Password } from '#core/protocols/postgres/md5.ts';
import type { PostgresTarget } from '#core/protocols/postgres/schema.ts';
import { chooseScram, ScramClient } from '#core/protocols/postgres/scram.ts';
import { encodeStartup } from '#core/protocols/postgres/startup.ts';
import { HandshakeReader } from '../../wire/handshake.ts';
import { ServerSaid } from './server-said.ts';
import { MESSAGE_MAX_BYTES, nextTyped } from './typed-message.ts';

/** What the target told at the login, from AuthenticationOk to ReadyForQuery. */
export interface TargetSession {
  /** What cancels a query there; some targets give none. */
  readonly key: TargetKey | undefined;
  /** ParameterStatus and NoticeResponse as they came, for the client. */
  readonly forClient: readonly Uint8Array[];
  /** ReadyForQuery as it came. */
  readonly ready: Uint8Array;
  /** Bytes behind ReadyForQuery. */
  readonly rest: Buffer;
}

export interface TargetKey {
  readonly processId: number;
  readonly secret: Uint8Array;
}

/** A target that does not want this session, in its own words, which are the client's to read. */
export interface TargetRefusal {
  /** Notices and the ErrorResponse as they came. */
  readonly refusal: readonly Uint8Array[];
  readonly error: CustodyError;
}

/**
 * Logs in to the target with its own credential: SCRAM-SHA-256(-PLUS), md5, or a password in the clear where TLS
 * protects it. Rejects with `target-refused` where it is about that credential, of which the client learns nothing, and
 * with `target-lost`.
 */
export async function loginToTarget(
  socket: Socket,
  target: PostgresTarget,
  secret: string,
  startup: Parameters<typeof encodeStartup>[0],
): Promise<TargetSession | TargetRefusal> {
  const reader = new HandshakeReader(socket, MESSAGE_MAX_BYTES * 2);
  socket.write(encodeStartup(startup));
  const credential: Credential = { user: target.credential.user, secret, socket };
  const forClient: Uint8Array[] = [];
  let at: LoginStage = 'greeting';
  let key: TargetKey | undefined;
  for (;;) {
    const { message, raw } = await nextTyped(reader);
    switch (message.kind) {
      case 'parameter-status':
      case 'notice':
        forClient.push(raw);
        break;
      case 'backend-key-data':
        key = { processId: message.processId, secret: Uint8Array.from(message.secret) };
        break;
      case 'ready-for-query':
        return { key, forClient, ready: raw, rest: reader.rest() };
      case 'error':
        return refusedBy(target, at, message, [...forClient, raw]);
      case 'negotiate-protocol-version':
        break;
      case 'authentication-ok':
        at = 'let-in';
        break;
      default:
        at = 'authenticating';
        await authenticate(message, credential, reader);
    }
  }
}

type LoginStage = 'greeting' | 'authenticating' | 'let-in';

interface Credential {
  readonly user: string;
  readonly secret: string;
  readonly socket: Socket;
}

async function authenticate(
  message: BackendMessage,
  credential: Credential,
  reader: HandshakeReader,
): Promise<void> {
  const { user, secret, socket } = credential;
  switch (message.kind) {
    case 'authentication-cleartext':
      if (!(socket instanceof TLSSocket)) throw refused('it wants the password in the clear, without TLS');
      socket.write(passwordMessage(secret));
      return;
    case 'authentication-md5':
      socket.write(passwordMessage(md5Password(user, secret, message.salt)));
      return;
    case 'authentication-sasl':
      return scram(message.mechanisms, credential, reader);
    default:
      throw refused(`unexpected at the login: ${message.kind}`);
  }
}

async function scram(
  mechanisms: readonly string[],
  { secret, socket }: Credential,
  reader: HandshakeReader,
): Promise<void> {
  const choice = chooseScram(mechanisms, serverCertificateHash(socket));
  if (choice === undefined)
    throw refused(`no common SASL mechanism in ${mechanisms.join(', ').slice(0, 200)}`);
  const client = new ScramClient({
    password: secret,
    nonce: randomBytes(24).toString('base64'),
    binding: choice.binding,
  });
  socket.write(saslInitialResponse(choice.mechanism, client.first()));
  socket.write(saslResponse(await client.final(await saslData(reader, 'authentication-sasl-continue'))));
  client.verify(await saslData(reader, 'authentication-sasl-final'));
}

async function saslData(
  reader: HandshakeReader,
  kind: Extract<Authentication, { data: Uint8Array }>['kind'],
): Promise<Uint8Array> {
  const { message } = await nextTyped(reader);
  if (message.kind === 'error') {
    const said = saidIn(message);
    throw refused(`SCRAM failed: ${said.message}`, said);
  }
  if (message.kind !== kind || !('data' in message)) throw refused(`expected ${kind}, got ${message.kind}`);
  return message.data;
}

function serverCertificateHash(socket: Socket): Uint8Array | undefined {
  if (!(socket instanceof TLSSocket)) return undefined;
  const certificate = socket.getPeerX509Certificate();
  return certificate === undefined ? undefined : certificateHash(certificate.raw);
}

/** SQLSTATE class 28, invalid authorization specification. */
const ABOUT_LOGIN = '28';
/** Classes 53, insufficient resources, and 57, operator intervention: whoever logs in, and however. */
const WHOEVER_ASKS = ['53', '57'];

/**
 * Whose refusal it is: what the target says of the gateway's own login stays here; what it says of anything else, the
 * client has asked for, or has to know (no such database, too many connections, shutting down).
 */
function refusedBy(
  target: PostgresTarget,
  at: LoginStage,
  message: ErrorMessage,
  refusal: readonly Uint8Array[],
): TargetRefusal {
  const cause = saidIn(message);
  const { sqlstate } = cause;
  const said = `${sqlstate}: ${cause.message}`;
  const isOurs =
    sqlstate.startsWith(ABOUT_LOGIN) ||
    (at === 'authenticating' && !WHOEVER_ASKS.includes(sqlstate.slice(0, 2)));
  if (isOurs) throw refused(said, cause, `the target "${target.name}" refused the gateway's login`);
  return {
    refusal,
    error: new CustodyError('target-refused', `the target "${target.name}" refused the session`, {
      detail: said,
      cause,
    }),
  };
}

type ErrorMessage = Extract<BackendMessage, { kind: 'error' | 'notice' }>;

function saidIn({ fields }: ErrorMessage): ServerSaid {
  return new ServerSaid(fields.get('C') ?? '', fields.get('M') ?? '');
}

function refused(
  detail: string,
  cause?: ServerSaid,
  message = 'the gateway could not log in to the target',
): CustodyError {
  return new CustodyError('target-refused', message, {
    hint: 'this is between the gateway and the target; tell whoever runs the gateway',
    detail,
    ...(cause === undefined ? {} : { cause }),
  });
}
