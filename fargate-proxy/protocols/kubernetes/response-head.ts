/** The head of an answer: for the tape, and for the client. */
import type { Headers } from '#core/protocols/kubernetes/tape.ts';

/** Of one connection (RFC 9110 section 7.6.1): the gateway says its own. */
const OWN = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
  'te',
  'trailer',
  'alt-svc',
  'http2-settings',
]); // prettier-ignore

export interface AnswerHead {
  readonly shown: Headers;
  /** Names and values, one after the other. */
  readonly pass: string[];
  readonly type: string | undefined;
  readonly encoding: string | undefined;
}

/** `raw`: names and values, one after the other, as they came. `hides`: what may quote a body that is withheld is left out on the tape. */
export function answerHead(raw: readonly (Buffer | string)[], hides: boolean): AnswerHead {
  const shown: [string, string][] = [];
  const pass: string[] = [];
  let type: string | undefined;
  let encoding: string | undefined;
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = raw[at]!.toString('latin1');
    const value = raw[at + 1]!.toString('latin1');
    const lower = name.toLowerCase();
    const isSecret = lower === 'set-cookie' || (hides && lower === 'warning');
    shown.push([name, isSecret ? '' : value]);
    if (OWN.has(lower)) continue;
    pass.push(name, value);
    if (lower === 'content-type') type = value;
    else if (lower === 'content-encoding') encoding = value;
  }
  return { shown, pass, type, encoding };
}

/**
 * Trailers that may go on: what is of one connection, or frames a body, is nothing to be said behind one (RFC 9110 section 6.5.1). What
 * answers behind an API server's proxies is whatever somebody runs there.
 */
export function passingTrailers(raw: readonly string[]): string[] {
  const pass: string[] = [];
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const lower = raw[at]!.toLowerCase();
    if (!OWN.has(lower) && !FRAMES.has(lower)) pass.push(raw[at]!, raw[at + 1]!);
  }
  return pass;
}

const FRAMES = new Set(['content-length', 'content-encoding', 'content-type', 'host', 'set-cookie']);
