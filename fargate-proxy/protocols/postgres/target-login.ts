import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Target } from '#core/access/config.ts';
import { CustodyError } from '#core/errors.ts';
import { type Authentication, type BackendMessage, parseBackend } from '#core/protocols/postgres/backend.ts';
import { certificateHash } from '#core/protocols/postgres/channel-binding.ts';
import { passwordMessage, saslInitialResponse, saslResponse } from '#core/protocols/postgres/frontend.ts';
import { md5Password } from '#core/protocols/postgres/md5.ts';
import { chooseScram, ScramClient } from '#core/protocols/postgres/scram.ts';
import { encodeStartup } from '#core/protocols/postgres/startup.ts';
import { HandshakeReader, type Parsed } from '../../wire/handshake.ts';

const MESSAGE_MAX_BYTES = 32 << 10;

/** What the target told at the login, from AuthenticationOk to ReadyForQuery. */
export interface TargetSession {
  readonly processId: number;
  readonly secret: Uint8Array;
  /** ParameterStatus and NoticeResponse as they came, for the client. */
  readonly forClient: readonly Uint8Array[];
  /** ReadyForQuery as it came. */
  readonly ready: Uint8Array;
  /** Bytes behind ReadyForQuery. */
  readonly rest: Buffer;
}

/**
 * Logs in to the target with its own credential: SCRAM-SHA-256(-PLUS), md5, or a password in the clear where TLS
 * protects it. Rejects with `target-refused`, never telling the client more than the target's own message.
 */
export async function loginToTarget(
  socket: Socket,
  target: Target,
  secret: string,
  startup: { readonly minor: number; readonly parameters: ReadonlyMap<string, string> },
): Promise<TargetSession> {
  const reader = new HandshakeReader(socket, MESSAGE_MAX_BYTES * 2);
  socket.write(encodeStartup(startup));
  const credential: Credential = { user: target.credential.user, secret, socket };
  const forClient: Uint8Array[] = [];
  let key = { processId: 0, secret: new Uint8Array(4) as Uint8Array };
  for (;;) {
    const { message, raw } = await reader.next(readMessage);
    switch (message.kind) {
      case 'parameter-status':
      case 'notice':
        forClient.push(raw);
        break;
      case 'backend-key-data':
        key = { processId: message.processId, secret: Uint8Array.from(message.secret) };
        break;
      case 'ready-for-query':
        return { ...key, forClient, ready: raw, rest: reader.rest() };
      case 'error':
        throw refusedBy(target, message);
      case 'negotiate-protocol-version':
      case 'authentication-ok':
        break;
      default:
        await authenticate(message, credential, reader);
    }
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
  const { message } = await reader.next(readMessage);
  if (message.kind === 'error') throw refused(`SCRAM failed: ${message.fields.get('M')}`);
  if (message.kind !== kind || !('data' in message)) throw refused(`expected ${kind}, got ${message.kind}`);
  return message.data;
}

function serverCertificateHash(socket: Socket): Uint8Array | undefined {
  if (!(socket instanceof TLSSocket)) return undefined;
  const certificate = socket.getPeerX509Certificate();
  return certificate === undefined ? undefined : certificateHash(certificate.raw);
}

/** The target's own error: its words go to the client, which may need them (no such database, too many connections). */
function refusedBy(
  target: Target,
  { fields }: Extract<BackendMessage, { kind: 'error' | 'notice' }>,
): CustodyError {
  const said = `${fields.get('C')}: ${fields.get('M')}`;
  return new CustodyError(
    'target-refused',
    `the target "${target.name}" refused the gateway's login (${said})`,
    {
      hint: 'this is between the gateway and the target; tell whoever runs the gateway',
      detail: said,
    },
  );
}

function refused(detail: string): CustodyError {
  return new CustodyError('target-refused', 'the gateway could not log in to the target', { detail });
}
