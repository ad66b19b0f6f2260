/** kubectl asks for a credential each time it runs: whoever may connect is not looked up again for a minute. The gateway always decides. */
import { z } from 'zod';
import { parseJson } from '#core/json.ts';
import { claimsOf } from '../claims.ts';
import type { Cli } from '../cli.ts';
import type { Wanted } from './access.ts';

const FOR_MS = 60_000;
const shape = z.object({ of: z.string(), until: z.number() });

/** Whether it was found a moment ago. */
export function isKnown(cli: Cli, api: URL, token: string, wanted: Wanted): boolean {
  const known = shape.safeParse(readJson(cli.home.read(fileOf(wanted)))).data;
  const left = (known?.until ?? 0) - cli.now();
  // Further away than it can have been written: the clock was set back.
  return known?.of === keyOf(api, token, wanted) && left > 0 && left <= FOR_MS;
}

export function keepKnown(cli: Cli, api: URL, token: string, wanted: Wanted): void {
  const value = { of: keyOf(api, token, wanted), until: cli.now() + FOR_MS };
  cli.home.write(fileOf(wanted), `${JSON.stringify(value)}\n`);
}

function fileOf({ target }: Wanted): string {
  return `kubernetes-${target}.json`;
}

function keyOf(api: URL, token: string, { run = '', task = '' }: Wanted): string {
  const { issuer, subject } = claimsOf(token);
  return JSON.stringify([api.href, issuer, subject, run, task]);
}

function readJson(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : parseJson(text);
  } catch {
    return undefined;
  }
}
