import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { CUSTODY, temporary } from './support.ts';

/** Makes one process, and not those that it starts, believe it is an older Node. */
const OLDER = `data:text/javascript,Object.defineProperty(process.versions,'node',{value:'20.0.0'})`;

function onOlderNode(args: readonly string[]) {
  const env = { PATH: process.env['PATH'], HOME: temporary() };
  return spawnSync(process.execPath, ['--import', OLDER, CUSTODY, ...args], { encoding: 'utf8', env });
}

test("an older Node hands over to the checkout's own, with arguments, output and exit code", () => {
  expect(onOlderNode(['whoami', '--help']).stdout).toMatch(/^Usage: custody whoami /);
  expect(onOlderNode(['verify', '/nonexistent']).status).toBe(2);
});
