import { expect, test } from 'vitest';
import { CustodyError } from '#core/errors.ts';
import { consoleFiles } from '#local/api/console-files.ts';
import type { ConsoleBuild } from '../../../console/build/build.ts';

const BUILD: ConsoleBuild = {
  files: [{ path: '/index.html', type: 'text/html', bytes: Buffer.from('<p>'), isImmutable: false }],
  atStart: [],
  parts: [],
  inputs: [],
};
const page = { path: '/sessions', headers: {} };

test('the console is built once, by whoever opens it first', async () => {
  let builds = 0;
  const files = consoleFiles(
    () => [],
    async () => {
      builds += 1;
      return BUILD;
    },
  );
  expect(await files.answer({ path: '/v1/signer', headers: {} })).toBeUndefined();
  expect(builds).toBe(0);
  const answers = await Promise.all([files.answer(page), files.answer(page)]);
  expect(answers.map((answer) => answer?.statusCode)).toEqual([200, 200]);
  expect(builds).toBe(1);
});

test('for who works on it, it is built again whenever the page is opened, and not for its parts', async () => {
  let builds = 0;
  const files = consoleFiles(
    () => [],
    async () => {
      builds += 1;
      return BUILD;
    },
    true,
  );
  await files.answer(page);
  await files.answer({ path: '/assets/main-AAAAAAAA.js', headers: {} });
  expect(builds).toBe(1);
  await files.answer(page);
  expect(builds).toBe(2);
});

test('a build that fails is told, and tried again by the next', async () => {
  const builds = [
    async () => {
      throw new Error('no such file');
    },
    async () => BUILD,
  ];
  const files = consoleFiles(
    () => [],
    () => builds.shift()!(),
  );
  await expect(files.answer(page)).rejects.toBeInstanceOf(CustodyError);
  expect((await files.answer(page))?.statusCode).toBe(200);
});

test('the page may ask the origins of the moment, and nobody else', async () => {
  const origins = ['https://id.example'];
  const files = consoleFiles(
    () => origins,
    async () => BUILD,
  );
  const policy = async () => (await files.answer(page))!.headers!['content-security-policy'];
  expect(await policy()).toContain("connect-src 'self' https://id.example;");
  origins[0] = 'http://127.0.0.1:7401';
  expect(await policy()).toContain("connect-src 'self' http://127.0.0.1:7401;");
});
