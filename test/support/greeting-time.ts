import type { GreetingTime } from '#proxy/protocol.ts';

/** As long as a client likes. */
export function noHurry(): GreetingTime {
  const { signal } = new AbortController();
  return { signal, whileConfirming: (work) => work(signal) };
}
