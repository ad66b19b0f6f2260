/** Calls of a contract, one after the other, by HTTPS to the gateway. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import type { Duplex, Writable } from 'node:stream';
import { CustodyError } from '#core/errors.ts';
import { isJsonObject, parseJson } from '#core/json.ts';
import { StreamDecoder } from '#core/protocols/kubernetes/streams/decoder.ts';
import { exitCodeOf, STATUS_MAX } from '#core/protocols/kubernetes/streams/exit.ts';
import { escapeLines } from '#core/replay/text.ts';
import type { Executed, Executor } from '#core/tasks/exec/executor.ts';
import { type CallRequest, requestOf } from '../kubernetes/call-request.ts';
import { type ClusterPlace, goodbye, optionsOf, send, unreachable } from '../kubernetes/cluster-place.ts';

/** Where answers and what commands write go. */
export interface ExecutorOutput {
  readonly stdout: Output;
  readonly stderr: Output;
}
type Output = Writable & { readonly isTTY?: boolean };

const ANSWER_MAX_BYTES = 32 << 20;
const ANSWER_DEPTH = 100;
const PROTOCOL = 'v5.channel.k8s.io';

export function kubernetesExecutor(place: ClusterPlace, output: ExecutorOutput): Executor {
  const agent = new Agent({ keepAlive: true });
  const ask = (call: CallRequest) => send(place, call, agent);
  const versionOf = async (group: string): Promise<string> => {
    const found = parsed(await whole(await ask({ method: 'GET', path: `/apis/${group}`, upgrades: false })));
    const { preferredVersion: preferred } = isJsonObject(found) ? found : {};
    const version = isJsonObject(preferred) ? preferred['version'] : undefined;
    if (typeof version === 'string' && /^v[0-9a-z]+$/.test(version)) return version;
    throw new CustodyError('target-refused', `the cluster does not say which version of ${group} it has`);
  };
  return {
    run: async (command) => {
      if (!('call' in command)) throw new CustodyError('unsupported', 'a cluster takes calls');
      const made = await requestOf(command.call, versionOf);
      if (made.upgrades) return execute(place, made, output);
      await writer(output.stdout)(Buffer.from(endedLine(await whole(await ask(made)))));
      return {};
    },
    // The result is derived when the session has ended, which it would by itself only when nothing comes for minutes.
    end: async () => {
      await goodbye(place, agent);
      agent.destroy();
    },
  };
}

async function whole(answer: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const piece of answer as AsyncIterable<Buffer>) {
    length += piece.length;
    if (length > ANSWER_MAX_BYTES)
      throw new CustodyError('format-invalid', 'the answer is longer than 32 MiB');
    pieces.push(piece);
  }
  const text = Buffer.concat(pieces).toString('utf8');
  if (answer.statusCode! >= 400) throw refusal(answer.statusCode!, text);
  return text;
}

/** The API server's own words, or the gateway's: a `Status`. */
function refusal(code: number, text: string): CustodyError {
  let status: unknown;
  try {
    status = parsed(text);
  } catch {
    status = undefined;
  }
  const message = isJsonObject(status) ? status['message'] : undefined;
  const words =
    typeof message === 'string' && message !== '' ? message : `the cluster answered with status ${code}`;
  return new CustodyError(code === 401 ? 'token-invalid' : 'target-refused', words);
}

function parsed(text: string): unknown {
  return parseJson(text, ANSWER_DEPTH);
}

function endedLine(text: string): string {
  return text === '' || text.endsWith('\n') ? text : `${text}\n`;
}

/** By a connection of its own, as its answer is all of that connection from there on. */
async function execute(place: ClusterPlace, call: CallRequest, output: ExecutorOutput): Promise<Executed> {
  const options = optionsOf(place, call);
  const upgrade = {
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': randomBytes(16).toString('base64'),
    'sec-websocket-protocol': PROTOCOL,
  };
  const made = request({ ...options, agent: false, headers: { ...(options.headers as object), ...upgrade } });
  made.end();
  const { promise, resolve, reject } = Promise.withResolvers<Executed>();
  made.on('error', (cause) => reject(unreachable(place, cause)));
  made.on('response', (answer) => {
    whole(answer).then(() => reject(refusal(answer.statusCode!, '')), reject);
  });
  made.on('upgrade', (answer, socket, head) => {
    if (answer.headers['sec-websocket-protocol'] !== PROTOCOL) {
      socket.destroy();
      return reject(new CustodyError('unsupported', `the cluster does not speak ${PROTOCOL}`));
    }
    carry(socket, head, output).then(resolve, reject);
  });
  return promise;
}

async function carry(socket: Duplex, head: Buffer, output: ExecutorOutput): Promise<Executed> {
  const decoder = new StreamDecoder({ kind: 'websocket', protocol: PROTOCOL, purpose: 'command', ports: [] });
  const to = { stdout: writer(output.stdout), stderr: writer(output.stderr) };
  const status: Buffer[] = [];
  let length = 0;
  socket.unshift(head);
  try {
    for await (const piece of socket as AsyncIterable<Buffer>)
      for (const event of decoder.push('target', piece)) {
        if (event.kind === 'close') return endOf(status);
        if (event.kind !== 'data') continue;
        const bytes = Buffer.from(event.bytes);
        if (event.channel === 'error' && (length += bytes.length) <= STATUS_MAX) status.push(bytes);
        if (event.channel === 'stdout' || event.channel === 'stderr') await to[event.channel](bytes);
      }
  } finally {
    socket.destroy();
  }
  return endOf(status);
}

/** What comes from a cluster is no command to a terminal (case 18). Waits for a slow reader. */
function writer(to: Output): (bytes: Buffer) => Promise<void> {
  const decoder = new TextDecoder();
  return async (bytes) => {
    const shown = to.isTTY === true ? escapeLines(decoder.decode(bytes, { stream: true })) : bytes;
    if (!to.write(shown)) await once(to, 'drain');
  };
}

function endOf(status: readonly Buffer[]): Executed {
  const bytes = Buffer.concat(status);
  const exitCode = exitCodeOf(bytes);
  if (exitCode !== undefined) return { exitCode };
  if (bytes.length > 0) throw refusal(0, bytes.toString('utf8'));
  throw new CustodyError('target-lost', 'the connection ended before the command did');
}
