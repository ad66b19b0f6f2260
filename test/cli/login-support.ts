import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type Config, parseConfig } from '#core/access/config.ts';
import { loginHandler } from '#lambdas/login/handler.ts';
import { call } from '#test/lambdas/support.ts';
import { makeSigner, pem } from '#test/support/evidence-builder.ts';
import { CLIENT, startProvider } from '#test/support/providers/server.ts';
import { type ProviderName, providerShapes } from '#test/support/providers/shapes.ts';
import { type FakeApi, fakeApi, startCustody, temporary } from './support.ts';

export interface Stand {
  readonly config: Config;
  readonly api: FakeApi;
  readonly args: readonly string[];
  readonly env: { readonly CUSTODY_HOME: string };
}

/** A gateway whose only issuer is shaped so, with the block that the documents recommend, or another. */
export async function stand(
  name: ProviderName,
  edit: (block: string) => string = (block) => block,
): Promise<Stand> {
  const shape = providerShapes[name];
  const provider = await startProvider(shape);
  onTestFinished(() => provider.close());
  const head = `  - name: ${name}\n    issuer: ${provider.issuer}\n    audience: ${CLIENT}`;
  const file = `version: 1\nidentity:\n${head}${edit(shape.recommended)}\ntargets: {}\n`;
  const config = parseConfig(file, 'custody.yaml');
  const api = await apiOf(config);
  const env = { CUSTODY_HOME: join(temporary(), 'home') };
  return { config, api, args: ['login', '--no-browser', '--api', api.url], env };
}

/** An API that says of logins what the real one would. */
export async function apiOf(config: Config): Promise<FakeApi> {
  const api = await fakeApi(pem(makeSigner()).toString());
  const served = await call(loginHandler({ policy: () => config, log: () => undefined }), '/v1/login');
  api.answers.set('/v1/login', served.body);
  api.answers.set('/v1/targets', { targets: [] });
  return api;
}

/** Follows redirects with cookies, and gives the last page. A form is sent first. */
export async function visit(
  start: string,
  cookies = new Map<string, string>(),
  form?: Readonly<Record<string, string>>,
): Promise<string> {
  let body = form === undefined ? {} : { method: 'POST', body: new URLSearchParams(form) };
  for (let url = start; ; body = {}) {
    const headers = { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') };
    const response = await fetch(url, { redirect: 'manual', headers, ...body });
    for (const cookie of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(cookie)!;
      cookies.set(name!, value!);
    }
    const location = response.headers.get('location');
    if (location === null) return response.text();
    url = new URL(location, url).href;
  }
}

export async function said(running: ReturnType<typeof startCustody>, pattern: RegExp): Promise<string> {
  const ended = running.ended.then(({ stderr }) => {
    throw new Error(`it ended: ${stderr}`);
  });
  ended.catch(() => undefined);
  for (;;) {
    const found = pattern.exec(running.output.stderr)?.[1];
    if (found !== undefined) return found;
    await Promise.race([once(running.child.stderr, 'data'), ended]);
  }
}

/** Logs in as far as it goes; the last page, and what custody said. */
export async function login({ args, env }: Stand, ...more: readonly string[]) {
  const running = startCustody([...args, ...more], { env });
  const page = await visit(await said(running, /log in here: (\S+)\n/));
  if (!page.includes('go back to the terminal')) {
    const redirect = await said(running, /it comes back to (\S+), which has to be registered with \S+\n/);
    running.child.kill('SIGTERM');
    await running.ended;
    return { page, redirect, code: undefined, stderr: running.output.stderr };
  }
  return { page, redirect: '', ...(await running.ended) };
}

export const tokensOf = (env: Stand['env']) => join(env.CUSTODY_HOME, 'tokens.json');

export function stored({ env }: Stand): { token: string; refreshToken?: string } {
  const { logins } = JSON.parse(readFileSync(tokensOf(env), 'utf8')) as { logins: [{ token: string }] };
  return logins[0];
}
