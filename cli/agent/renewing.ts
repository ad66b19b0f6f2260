/** A token that is made new before it ends, for as long as an agent works. */
import { asCustodyError } from '#core/errors.ts';
import { claimsOf } from '../claims.ts';

export interface Renewing {
  /** No token is asked for any more. */
  stop(): void;
}

/** What it uses of the world. */
export interface RenewingPorts {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly ask: () => Promise<string>;
  /** Puts it where clients find it. */
  readonly keep: (token: string) => void;
  readonly onTrouble: (message: string) => void;
  readonly later: (work: () => void, ms: number) => { readonly cancel: () => void };
}

const AGAIN_MS = 5_000;
/** Of a timer of node: longer ones go off at once. */
const LONGEST_MS = 2 ** 31 - 1;

/** `first`: as it was got before the agent began. When two thirds of a token's time are over the next is asked for. */
export function keepRenewed(first: string, ports: RenewingPorts): Renewing {
  let [stopped, told] = [false, false];
  let waiting: { readonly cancel: () => void } | undefined;
  const wait = (ms: number): void => {
    if (!stopped) waiting = ports.later(() => void renew(), Math.min(Math.max(ms, AGAIN_MS), LONGEST_MS));
  };
  const renew = async (): Promise<void> => {
    try {
      const token = await ports.ask();
      if (stopped) return;
      ports.keep(token);
      told = false;
      wait(restOf(token, ports.now()));
    } catch (error) {
      if (stopped) return;
      if (!told) ports.onTrouble(asCustodyError(error).message);
      told = true;
      wait(AGAIN_MS);
    }
  };
  wait(restOf(first, ports.now()));
  return {
    stop: () => {
      stopped = true;
      waiting?.cancel();
    },
  };
}

function restOf(token: string, now: number): number {
  return ((claimsOf(token).expiresAt - now) * 2) / 3;
}
