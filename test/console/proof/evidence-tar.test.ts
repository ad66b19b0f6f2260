import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import type { Api } from '../../../console/api/client.ts';
import { Problem } from '../../../console/api/problem.ts';
import { evidenceTar } from '../../../console/proof/evidence-tar.ts';
import { stubFetch } from '../api/stub-fetch.ts';

const SESSION = '019acd1b-5990-7a61-9f43-000000000001';
const ORIGIN = 'https://custody.example';

/** What `evidenceTar` makes of a listing; each object is four bytes. */
async function tarOfListed(...names: string[]) {
  const asked = stubFetch(() => new Response('body'));
  const objects = names.map((name) => ({
    name,
    size: 4,
    url: `${ORIGIN}/objects/${encodeURIComponent(name)}`,
  }));
  const get = async (path: string): Promise<unknown> => {
    if (path.endsWith('/evidence')) return { objects };
    throw new Problem('not-found', 'none', { status: 404 });
  };
  const api = { get } as unknown as Api;
  const onProgress = (): void => undefined;
  const tar = evidenceTar({ api, session: SESSION, pem: 'key', origin: ORIGIN, onProgress });
  return { tar, asked };
}

test('an archive has everything that is listed', async () => {
  const { tar } = await tarOfListed('open.json', '00000000.seg');
  const input = Buffer.from(await (await tar).arrayBuffer());
  const names = execFileSync('tar', ['-tf', '-'], { input }).toString().trim().split('\n');
  expect(names).toEqual(
    ['open.json', '00000000.seg', 'signer.pem'].map((name) => `evidence-${SESSION}/${name}`),
  );
});

test('what is no evidence is refused by its name, as the command line refuses it, before anything is fetched', async () => {
  for (const name of ['../out', 'notes.txt', 'a'.repeat(100)]) {
    const { tar, asked } = await tarOfListed('open.json', name);
    await expect(tar).rejects.toThrow(`${name} is not a name of an evidence file`);
    expect(asked).toEqual([]);
  }
});
