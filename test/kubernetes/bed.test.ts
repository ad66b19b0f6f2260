import { afterAll, beforeAll, expect, test } from 'vitest';
import { KubernetesBed } from './support/bed.ts';

let bed: KubernetesBed;
beforeAll(async () => {
  const begun = performance.now();
  bed = await KubernetesBed.start();
  console.log('started in', performance.now() - begun);
});
afterAll(async () => bed.stop());

test('gets', async () => {
  for (const version of ['1.20', '1.35', '1.37'] as const) {
    const ran = await bed.kubectl(version, ['get', 'pods', '-A']);
    console.log(ran.stdout, ran.stderr);
    expect(ran.code).toBe(0);
  }
  console.log(await bed.kubectl('1.37', ['top', 'pods', '-n', 'dev']));
  console.log(await bed.kubectl('1.37', ['exec', '-n', 'dev', 'web-0', '--', 'sh', '-c', 'echo hi; exit 7']));
});
