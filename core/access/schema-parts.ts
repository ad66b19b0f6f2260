/** Pieces that several schemas of custody.yaml share. */
import { z } from 'zod';
import { isLoopback } from '../loopback.ts';
import { durationMs } from './duration.ts';

export const text = z.string().min(1);
export const groups = z.array(text).min(1);

export const reviewersSchema = z.union(
  [
    z.strictObject({ any: groups }).describe('members of any of these groups, `approvals` people in all'),
    z
      .strictObject({ all: groups })
      .describe('`approvals` people for each of these groups, nobody counted for two'),
  ],
  'expected any: [groups], or all: [groups]',
);

const NO_TIME = /^0[smhd]$/;

/** A time such as 4h, bounded; milliseconds once it is read. */
export function duration(minMs: number, maxMs: number, words: string) {
  return z
    .string()
    .transform((written, context) => {
      const ms = NO_TIME.test(written) ? 0 : durationMs(written);
      if (ms !== undefined && ms >= minMs && ms <= maxMs) return ms;
      context.addIssue({ code: 'custom', message: words });
      return z.NEVER;
    })
    .describe(words);
}

/** A role that the gateway takes. Whoever writes a pattern here would let it take every role. */
export const roleArn = z
  .string()
  .regex(/^arn:aws[a-z-]*:iam::\d{12}:role\/[\w+=,.@/-]+$/, 'expected the ARN of a role');

/** True when exactly one is given. */
export function oneOf(...given: readonly unknown[]): boolean {
  return given.filter((one) => one !== undefined).length === 1;
}

/** https, or http on this machine; without a password. */
export function isSafeUrl(written: string): boolean {
  if (!/^[!-~]+$/.test(written) || !URL.canParse(written)) return false;
  const { protocol, hostname, username, password } = new URL(written);
  // A password has no place in a file that is reviewed (security case 15).
  if (username !== '' || password !== '') return false;
  return protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname));
}

/** Where something is reached: https, or http on this machine, without a slash at its end. */
export const baseUrl = z
  .string()
  .max(200)
  .refine(
    (url) => isSafeUrl(url) && !/[?#<>|&]|\/$/.test(url),
    'expected an https URL without a slash at its end (http only on 127.0.0.1, ::1 or localhost)',
  );

/** A check across parts of a thing, once each of them is sound: one that has a mistake may hold anything. */
export function acrossSound<T>(check: (value: T, context: z.core.$RefinementCtx<T>) => void) {
  return (value: T, context: z.core.$RefinementCtx<T>): void => {
    if (context.issues.length === 0) check(value, context);
  };
}
