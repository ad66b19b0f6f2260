const TIMEOUT_MS = 10_000;

/** The text at an address, redirects not followed. Rejects, saying why, where there is none. */
export async function getText(url: string): Promise<string> {
  const unreachable = (cause: unknown): never => {
    throw new Error(`${url} cannot be reached from here: ${(cause as Error).message}`);
  };
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const response = await fetch(url, { redirect: 'error', signal }).catch(unreachable);
  if (response.status !== 200) throw new Error(`${url} answered ${response.status}`);
  return response.text();
}
