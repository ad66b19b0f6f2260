import { CustodyError } from '#core/errors.ts';
import { parseJson } from '#core/json.ts';
import { failureWords } from './failure-words.ts';

const TIMEOUT_MS = 30_000;

/** Throws `config-invalid` unless tokens may be sent to it: https, or http on this machine. */
export function safeUrl(text: string, what: string): URL {
  const url = URL.parse(text);
  if (url?.protocol === 'https:' || (url !== null && isLoopback(url))) return url;
  throw new CustodyError('config-invalid', `${what} ${text} cannot be used`, {
    hint: 'give an https address, or an http address on this machine such as http://127.0.0.1:7402',
  });
}

/** Plain http that does not leave this machine. */
export function isLoopback({ protocol, hostname }: URL): boolean {
  return protocol === 'http:' && ['127.0.0.1', '[::1]', 'localhost'].includes(hostname);
}

/**
 * GET without following redirects, as those could carry a token elsewhere. `timeoutMs` is for the whole answer.
 * Rejects with `internal` when unreachable.
 */
export async function get(
  url: URL,
  headers: Record<string, string> = {},
  timeoutMs = TIMEOUT_MS,
): Promise<Response> {
  return send(url, { headers }, timeoutMs);
}

/** As `get`, with a method and a body. `time`: milliseconds for the whole answer, or what ends it. */
export async function send(
  url: URL,
  request: Pick<RequestInit, 'method' | 'headers' | 'body'>,
  time: number | AbortSignal = TIMEOUT_MS,
): Promise<Response> {
  try {
    const signal = typeof time === 'number' ? AbortSignal.timeout(time) : time;
    return await fetch(url, { ...request, redirect: 'error', signal });
  } catch (cause) {
    throw new CustodyError('internal', `cannot reach ${url.origin}: ${failureWords(cause)}`, {
      hint: 'is the gateway running, and is this its address? Set it with CUSTODY_API or custody login --api',
      cause,
    });
  }
}

/** The chunks of a body of at most `atMost` bytes. Throws `format-invalid` before it gives more. */
export async function* boundedBody(response: Response, atMost: number): AsyncGenerator<Uint8Array> {
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > atMost) throw new CustodyError('format-invalid', `the answer is longer than ${atMost} bytes`);
    yield chunk;
  }
}

/** A whole body. Throws `format-invalid` when it is too long. */
export async function boundedBytes(response: Response, atMost: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of boundedBody(response, atMost)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** A whole body as JSON. Throws `format-invalid` when it is not, or too long. */
export async function boundedJson(response: Response, atMost: number): Promise<unknown> {
  const bytes = await boundedBytes(response, atMost);
  try {
    return parseJson(bytes.toString('utf8'));
  } catch (cause) {
    throw new CustodyError('format-invalid', `${new URL(response.url).origin} did not answer with JSON`, {
      hint: 'is this the address of a Custody API?',
      cause,
    });
  }
}
