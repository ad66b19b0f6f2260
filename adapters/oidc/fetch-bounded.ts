const MAX_BYTES = 256 << 10;
const TIMEOUT_MS = 5_000;

/** For all that is asked together. */
export const patience = (ms = TIMEOUT_MS): AbortSignal => AbortSignal.timeout(ms);

/**
 * GET of a small JSON document over https; over http only from this machine, where that is allowed. Follows no
 * redirect. Rejects when the answer is not 200, too large or too slow.
 */
export async function fetchBounded(
  uri: string,
  allowHttpLoopback: boolean,
  signal = patience(),
): Promise<ArrayBuffer> {
  const url = new URL(uri);
  if (url.protocol !== 'https:' && !(allowHttpLoopback && isHttpLoopback(url))) {
    throw new Error(`${url.origin} is not https`);
  }
  const response = await fetch(url, { redirect: 'error', signal });
  if (response.status !== 200 || response.body === null) {
    await response.body?.cancel();
    throw new Error(`${url.origin} answered ${response.status}`);
  }
  return readBounded(response.body);
}

/** Plain http to this machine. */
export function isHttpLoopback({ protocol, hostname }: URL): boolean {
  return protocol === 'http:' && ['127.0.0.1', '[::1]', 'localhost'].includes(hostname);
}

async function readBounded(body: ReadableStream<Uint8Array>): Promise<ArrayBuffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.byteLength;
    if (size > MAX_BYTES) throw new Error('the answer is too large');
    chunks.push(chunk);
  }
  const whole = Buffer.concat(chunks);
  return whole.buffer.slice(whole.byteOffset, whole.byteOffset + whole.byteLength);
}

/** As `fetch`, for libraries: follows no redirect, and gives an answer whose body is whole and small. */
export async function fetchSmall(url: string, init: RequestInit): Promise<Response> {
  const response = await fetch(url, { ...init, redirect: 'error' });
  const body = response.body === null ? null : await readBounded(response.body);
  const { status, statusText, headers } = response;
  return new Response(body, { status, statusText, headers });
}
