import { onTestFinished } from 'vitest';

interface Asked {
  readonly url: string | URL | Request;
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal | undefined;
}

/** Puts answers in place of the network for this test, in this order, the last one again and again; returns what was asked. */
export function stubFetch(...answers: readonly (() => Response)[]): readonly Asked[] {
  const asked: Asked[] = [];
  const real = globalThis.fetch;
  onTestFinished(() => void (globalThis.fetch = real));
  globalThis.fetch = async (url, init = {}) => {
    const signal = init.signal ?? undefined;
    asked.push({ url, headers: { ...(init.headers as Record<string, string>) }, signal });
    return answers[Math.min(asked.length, answers.length) - 1]!();
  };
  return asked;
}
