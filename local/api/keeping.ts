/** What parts of the control plane have in common: they are closed with it, and look again from time to time. */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { asCustodyError, type CustodyError } from '#core/errors.ts';
import { newSessionId } from '#core/recording/session-id.ts';
import type { Running } from '../supervisor/running.ts';

export const now = (): Date => new Date();
export const pause = (ms: number): Promise<void> => sleep(ms, undefined, { ref: false });
export const newId = (at: Date): string => newSessionId(at.getTime(), randomBytes(10));
export async function closing<T extends { close(): void }>(running: Running, opened: T): Promise<T> {
  await running.add(() => opened.close());
  return opened;
}

export async function every(
  running: Running,
  ms: number,
  work: () => Promise<void>,
  onTrouble: (error: CustodyError) => void = () => undefined,
): Promise<void> {
  const timer = setInterval(() => {
    work().catch((error: unknown) => onTrouble(asCustodyError(error)));
  }, ms);
  await running.add(() => clearInterval(timer));
}

export function trouble(what: string, say: (line: string) => void): (error: unknown) => void {
  return (thrown) => {
    const { message, detail } = asCustodyError(thrown);
    say(`${what}: ${detail ?? message}`);
  };
}
