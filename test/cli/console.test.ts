import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { eventually } from '#test/support/clients.ts';
import { makeSigner, pem } from '#test/support/evidence-builder.ts';
import { custody, type FakeApi, fakeApi, temporary } from './support.ts';

const CONSOLE = 'https://custody.example/console';

/** A gateway that says this, and a browser that writes down what it is to open. Nobody is logged in. */
async function stand(told: string | undefined) {
  const api = await fakeApi(pem(makeSigner()).toString());
  api.answers.set('/v1/login', { issuers: [], ...(told === undefined ? {} : { console: told }) });
  const folder = temporary();
  const opened = join(folder, 'opened');
  writeFileSync(
    join(folder, 'xdg-open'),
    `#!/bin/sh\nprintf %s "$1" >${opened}.part; mv ${opened}.part ${opened}\n`,
    { mode: 0o755 },
  );
  return { api, opened, env: environment(api, folder) };
}

function environment({ url }: FakeApi, folder: string) {
  return { PATH: `${folder}:${process.env['PATH']}`, CUSTODY_API: url, CUSTODY_HOME: join(folder, 'home') };
}

test('the console is opened in a browser, and its address printed', async () => {
  const { opened, env } = await stand(CONSOLE);
  const { code, stdout } = await custody(['console'], { env });
  expect([code, stdout]).toEqual([0, `${CONSOLE}\n`]);
  await eventually('the browser to be started', async () => existsSync(opened) || undefined);
  expect(readFileSync(opened, 'utf8')).toBe(CONSOLE);
});

test.each([
  ['--print', `${CONSOLE}\n`],
  ['--json', `{"console":"${CONSOLE}"}\n`],
])('with %s its address is printed alone', async (option, printed) => {
  const { opened, env } = await stand(CONSOLE);
  const { code, stdout } = await custody(['console', option], { env });
  expect([code, stdout, existsSync(opened)]).toEqual([0, printed, false]);
});

test('a gateway that does not say where it is, is said', async () => {
  const { api, opened, env } = await stand(undefined);
  const { code, stdout, stderr } = await custody(['console'], { env });
  expect([code, stdout, existsSync(opened)]).toEqual([1, '', false]);
  expect(stderr).toContain(`the gateway at ${api.url}/ does not say where its console is`);
  expect(stderr).toContain('custody.yaml');
});

/** Whoever answers for the API chooses what a browser is given. */
test.each(['file:///etc/passwd', 'javascript:alert(1)', '-flag', 'http://elsewhere.example/'])(
  'an address such as %s is neither printed nor opened',
  async (told) => {
    const { opened, env } = await stand(told);
    const { code, stdout, stderr } = await custody(['console'], { env });
    expect([code, stdout, existsSync(opened)]).toEqual([1, '', false]);
    expect(stderr).toContain('cannot be used');
  },
);
