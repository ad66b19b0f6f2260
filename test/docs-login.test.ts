import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { loginSchema } from '#core/access/login-schema.ts';
import { type ProviderName, providerShapes } from '#test/support/providers/shapes.ts';

const PAGES = fileURLToPath(new URL('../docs/identity/', import.meta.url));
const names = Object.keys(providerShapes) as ProviderName[];

interface Written {
  readonly identity?: readonly { readonly login?: unknown }[];
}

/** The `login:` blocks of a page. */
function loginsOf(page: string): unknown[] {
  const blocks = [...page.matchAll(/^```yaml\n(.*?)^```/gms)].map(([, text]) => parse(text!) as Written);
  return blocks.flatMap(({ identity = [] }) => identity.map(({ login }) => login)).filter(Boolean);
}

describe.runIf(existsSync(PAGES))('what documents recommend for a login is what was tried:', () => {
  it.each(names)('%s', (name) => {
    const [tried] = parse(`  - name: ${name}${providerShapes[name].recommended}`) as [{ login: unknown }];
    const written = loginsOf(readFileSync(`${PAGES}${name}.md`, 'utf8'));
    expect(written[0]).toEqual(tried.login);
    for (const login of written) expect(loginSchema.safeParse(login).success).toBe(true);
  });
});
