import { refusedToken } from './token-refusals.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** The years 0000 to 9999, which are all that a time in evidence can name (RFC 3339 section 1). Milliseconds are beyond them. */
const [TIME_MIN, TIME_MAX] = [-62_167_219_200, 253_402_300_799];
/** No clock may be further ahead than the largest leeway: such an issuer's times say nothing. */
const AHEAD_MAX_MS = MINUTE;

type Claims = Readonly<Record<string, unknown>>;

export interface TokenTime {
  /** Until when it is good. */
  readonly expiresAt: Date;
  /** Seconds of the leeway without which it would not have been in its time; absent when none was needed. */
  readonly leeway?: number;
}

/**
 * When a token is good (RFC 7519 sections 4.1.4 to 4.1.6), for a clock that may be off by `leewayMs`. Throws `token-invalid`
 * for one that is not good now. Only for claims whose signature is good: what anybody can write says nothing.
 */
export function timeOf(claims: Claims, nowMs: number, leewayMs: number): TokenTime {
  const expires = momentOf(claims, 'exp');
  if (expires === undefined) throw refusedToken('it does not say when it expires');
  const late = nowMs - expires;
  const early = (momentOf(claims, 'nbf') ?? nowMs) - nowMs;
  const ahead = (momentOf(claims, 'iat') ?? nowMs) - nowMs;
  if (late >= 0 && late >= leewayMs) throw refusedToken(`it expired ${lengthOf(late)} ago`);
  if (early > leewayMs) throw tooEarly('it is not valid yet', early, leewayMs);
  if (ahead > AHEAD_MAX_MS) throw tooEarly('it was issued in the future', ahead, leewayMs);
  const seconds = Math.max(late < 0 ? 0 : Math.floor(late / SECOND) + 1, Math.ceil(early / SECOND));
  if (seconds <= 0) return { expiresAt: new Date(expires) };
  return { expiresAt: new Date(late < 0 ? expires : expires + leewayMs), leeway: seconds };
}

/** `5 s`, `12 min`, `3 h`, `8 days`: as people say it. */
export function lengthOf(ms: number): string {
  if (ms < MINUTE) return `${Math.ceil(ms / SECOND)} s`;
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)} min`;
  return ms < 2 * DAY ? `${Math.floor(ms / HOUR)} h` : `${Math.floor(ms / DAY)} days`;
}

function tooEarly(what: string, byMs: number, leewayMs: number) {
  const why = `${what}, by ${lengthOf(byMs)}: the clocks of its issuer and of the gateway differ, and ${lengthOf(leewayMs)} of leeway are set`;
  return refusedToken(why, 'try again in a moment; if it stays so, tell whoever runs the gateway');
}

/** In milliseconds. */
function momentOf(claims: Claims, name: 'exp' | 'nbf' | 'iat'): number | undefined {
  const value = claims[name];
  if (value === undefined) return undefined;
  if (typeof value === 'number' && value >= TIME_MIN && value <= TIME_MAX) return value * SECOND;
  throw refusedToken(`its claim ${name} is not a time`);
}
