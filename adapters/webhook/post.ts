import { CustodyError } from '#core/errors.ts';
import { isLoopback } from '#core/loopback.ts';
import type { PostWebhook } from '#core/notify/deliver.ts';

const TIMEOUT_MS = 10_000;

/**
 * Posts over https, or over http on this machine. Follows no redirect, and reads nothing of the answer but its status.
 * `timeoutMs`: until then there is an answer.
 */
export function webhookPost(timeoutMs = TIMEOUT_MS): PostWebhook {
  return { post: (url, headers, body) => post(url, { headers, body, timeoutMs }) };
}

interface Sending {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly timeoutMs: number;
}

async function post(url: string, { headers, body, timeoutMs }: Sending): Promise<number> {
  if (!isAllowed(url)) throw failed('its URL is neither https nor http on this machine');
  const signal = AbortSignal.timeout(timeoutMs);
  const init = { method: 'POST', headers: { 'user-agent': 'custody', ...headers }, body, signal };
  let response: Response;
  try {
    response = await fetch(url, { ...init, redirect: 'error' });
  } catch (thrown) {
    throw failed(wordsOf(thrown, timeoutMs));
  }
  // The status is the whole answer. How the rest of it ends is the receiver's affair.
  await response.body?.cancel().catch(() => undefined);
  return response.status;
}

function isAllowed(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, username, password } = new URL(text);
  if (username !== '' || password !== '') return false;
  return protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname));
}

/** What fetch throws may name the URL, which is a secret: of it only a code is kept (security case 15). */
function wordsOf(thrown: unknown, timeoutMs: number): string {
  const { name, cause } = thrown as Error;
  if (name === 'TimeoutError') return `it did not answer within ${timeoutMs / 1000} s`;
  const { code, message } = (cause ?? {}) as { readonly code?: unknown; readonly message?: unknown };
  if (message === 'unexpected redirect') return 'it answered with a redirect, and those are not followed';
  return typeof code === 'string' && /^[A-Z0-9_]+$/.test(code)
    ? `it cannot be reached (${code})`
    : 'it cannot be reached';
}

function failed(message: string): CustodyError {
  return new CustodyError('delivery-failed', message);
}
