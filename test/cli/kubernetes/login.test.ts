/** kubectl's credential where nobody is logged in, and somebody sits at the terminal. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, onTestFinished, test } from 'vitest';
import { hasClient } from '#test/support/clients.ts';
import { stand, stored, visit } from '../login-support.ts';
import { CUSTODY, custody, temporary } from '../support.ts';
import { PROD } from './support.ts';

const COMMAND = [process.execPath, CUSTODY, 'kubernetes-credential', '--target', 'prod'];
const info = (interactive: boolean) =>
  JSON.stringify({
    apiVersion: 'client.authentication.k8s.io/v1',
    kind: 'ExecCredential',
    spec: { interactive },
  });

async function loggedOut() {
  const here = await stand('keycloak');
  here.api.answers.set('/v1/targets', { targets: [PROD] });
  const env = { PATH: process.env['PATH']!, HOME: temporary(), ...here.env, CUSTODY_API: here.api.url };
  const start = (interactive: boolean) => {
    const child = spawn('script', ['-qec', COMMAND.join(' '), '/dev/null'], {
      env: { ...env, KUBERNETES_EXEC_INFO: info(interactive) },
    });
    onTestFinished(() => void child.kill());
    let seen = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (seen += text));
    const shown = async (pattern: RegExp): Promise<string> => {
      while (!pattern.test(seen)) await once(child.stdout, 'data');
      return pattern.exec(seen)![1]!;
    };
    return { shown, ended: once(child, 'close').then(() => seen) };
  };
  return { here, start, env };
}

describe.runIf(hasClient('script'))('a person who is not logged in', () => {
  test('logs in from within kubectl, in a browser, and goes on', async () => {
    const { here, start } = await loggedOut();
    const { shown, ended } = start(true);
    const page = await visit(await shown(/log in here: (\S+)\r\n/));
    expect(page).toContain('go back to the terminal');
    const seen = await ended;
    expect(seen).toContain('custody: you are not logged in');
    const { token } = stored(here);
    expect(seen).toContain(JSON.stringify({ token }).slice(1, -1));
  });

  test('is told what to run where the client has no terminal for them', async () => {
    const { start } = await loggedOut();
    expect(await start(false).ended).toMatch(/you are not logged in.*\r\nhint: run custody login/);
  });
});

test('a machine is never asked', async () => {
  const { env } = await loggedOut();
  const ran = await custody(COMMAND.slice(2), { env: { ...env, KUBERNETES_EXEC_INFO: info(true) } });
  expect(ran).toMatchObject({ code: 1, stdout: '' });
  expect(ran.stderr).toContain('hint: run custody login');
});
