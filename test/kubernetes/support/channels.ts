import { once } from 'node:events';
import WebSocket from 'ws';
import type { ApiCredentials } from './api.ts';

/** WebSocket subprotocols of exec and attach that the API server takes. */
export const EXEC_PROTOCOLS = [
  'v5.channel.k8s.io',
  'v4.channel.k8s.io',
  'v4.base64.channel.k8s.io',
  'channel.k8s.io',
  'base64.channel.k8s.io',
] as const;
export type ExecProtocol = (typeof EXEC_PROTOCOLS)[number];

export interface RawExec {
  readonly protocol: string;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
  /** What came on the error channel: a Status from v4 on. */
  readonly status: string;
}

const STDIN = 0;
const CLOSE = 255;

/** An exec by a WebSocket client that knows nothing of Kubernetes: npm's ws. */
export async function rawExec(
  credentials: ApiCredentials,
  protocol: ExecProtocol,
  command: readonly string[],
  input?: Uint8Array,
  /** What comes before the API's own path. */
  base = '',
): Promise<RawExec> {
  const socket = open(credentials, base + execPath(command, input !== undefined), protocol);
  const channels = [0, 1, 2, 3].map((): Buffer[] => []);
  socket.on('message', (data: Buffer) => {
    const [channel, bytes] = decode(protocol, data);
    channels[channel]?.push(bytes);
  });
  const closed = once(socket, 'close');
  await once(socket, 'open');
  if (input !== undefined) {
    socket.send(encode(protocol, STDIN, input));
    if (protocol === 'v5.channel.k8s.io') socket.send(Uint8Array.of(CLOSE, STDIN));
  }
  await closed;
  const [, stdout, stderr, status] = channels.map((chunks) => Buffer.concat(chunks));
  return { protocol: socket.protocol, stdout: stdout!, stderr: stderr!, status: status!.toString() };
}

function execPath(command: readonly string[], stdin: boolean): string {
  const query = new URLSearchParams({ container: 'main', stdout: 'true', stderr: 'true' });
  if (stdin) query.set('stdin', 'true');
  for (const word of command) query.append('command', word);
  return `/api/v1/namespaces/dev/pods/web-0/exec?${query.toString()}`;
}

/** A WebSocket to a path of the API; emits `error` when the server answers something else. */
export function open(
  { url, ca, cert, key, token }: ApiCredentials,
  path: string,
  protocol: string,
): WebSocket {
  return new WebSocket(new URL(path, url.replace('https:', 'wss:')), protocol, {
    ca,
    ...(cert === undefined ? {} : { cert, key }),
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
  });
}

function encode(protocol: ExecProtocol, channel: number, bytes: Uint8Array): string | Uint8Array {
  if (protocol.includes('base64')) return `${channel}${Buffer.from(bytes).toString('base64')}`;
  return Buffer.concat([Uint8Array.of(channel), bytes]);
}

function decode(protocol: ExecProtocol, data: Buffer): [channel: number, bytes: Buffer] {
  if (!protocol.includes('base64')) return [data[0]!, data.subarray(1)];
  return [Number(String.fromCharCode(data[0]!)), Buffer.from(data.subarray(1).toString(), 'base64')];
}
