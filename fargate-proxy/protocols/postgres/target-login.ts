import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { asCustodyError, CustodyError } from '#core/errors.ts';
import { type Authentication, type BackendMessage, parseBackend } from '#core/protocols/postgres/backend.ts';
import { certificateHash } from '#core/protocols/postgres/channel-binding.ts';
import { passwordMessage, saslInitialResponse, saslResponse } from '#core/protocols/postgres/frontend.ts';
import { md5Password } from '#core/protocols/postgres/md5.ts';
import type { PostgresTarget } from '#core/protocols/postgres/schema.ts';
import { chooseScram, ScramClient } from '#core/protocols/postgres/scram.ts';
import { encodeStartup } from '#core/protocols/postgres/startup.ts';
import { HandshakeReader, type Parsed } from '../../wire/handshake.ts';

const MESSAGE_MAX_BYTES = 32 << 10;

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
    const { message, raw } = await nextFrom(reader);
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

/** Rejects with `target-lost`, for a target that closes instead. */
async function nextFrom(reader: HandshakeReader): Promise<Typed> {
  try {
    return await reader.next(readMessage);
  } catch (thrown) {
    if (asCustodyError(thrown).code !== 'peer-left') throw thrown;
    throw new CustodyError('target-lost', 'the target closed the connection during the login', {
      hint: 'the gateway is up; the target may be starting, stopping or full: connect again',
      cause: thrown,
    });
  }
}

interface Credential {
  readonly user: string;
  readonly secret: string;
  readonly socket: Socket;
}

interface Typed {
  readonly message: BackendMessage;
  /** A copy of the whole message. */
  readonly raw: Uint8Array;
}

function readMessage(bytes: Buffer): Parsed<Typed> | undefined {
  if (bytes.byteLength < 5) return undefined;
  const length = bytes.readInt32BE(1);
  if (length < 4 || length > MESSAGE_MAX_BYTES) throw refused('a message of impossible length at the login');
  const byteLength = 1 + length;
  if (bytes.byteLength < byteLength) return undefined;
  const raw = Uint8Array.from(bytes.subarray(0, byteLength));
  return { message: { message: parseBackend(raw[0]!, raw.subarray(5)), raw }, byteLength };
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
  const { message } = await nextFrom(reader);
  if (message.kind === 'error') throw refused(`SCRAM failed: ${message.fields.get('M')}`);
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
  { fields }: Extract<BackendMessage, { kind: 'error' | 'notice' }>,
  refusal: readonly Uint8Array[],
): TargetRefusal {
  const said = `${fields.get('C')}: ${fields.get('M')}`;
  const sqlstate = fields.get('C') ?? '';
  const isOurs =
    sqlstate.startsWith(ABOUT_LOGIN) ||
    (at === 'authenticating' && !WHOEVER_ASKS.includes(sqlstate.slice(0, 2)));
  if (isOurs) throw refused(said, `the target "${target.name}" refused the gateway's login`);
  return {
    refusal,
    error: new CustodyError('target-refused', `the target "${target.name}" refused the session`, {
      detail: said,
    }),
  };
}

function refused(detail: string, message = 'the gateway could not log in to the target'): CustodyError {
  return new CustodyError('target-refused', message, {
    hint: 'this is between the gateway and the target; tell whoever runs the gateway',
    detail,
  });
}
