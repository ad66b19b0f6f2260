/** A reviewer ends what runs: an exec, a port-forward, a watch and logs, each within seconds. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startCustody } from '#test/cli/support.ts';
import { eventually } from '#test/support/clients.ts';
import { type LocalGateway, startLocalGateway } from '#test/support/local-gateway.ts';
import { sessions, verify } from '#test/support/recorded.ts';
import { KubernetesBed } from './support/bed.ts';
import { KUBECTLS } from './support/kubectl-operations.ts';

/** What SECURITY.md promises. */
const WITHIN_MS = 5_000;

let bed: KubernetesBed;
let gateway: LocalGateway;
let home: string;

beforeAll(async () => {
  bed = await KubernetesBed.start({ audit: false });
  gateway = await startLocalGateway({ args: ['--kubeconfig', bed.adminKubeconfig] });
  home = mkdtempSync(join(tmpdir(), 'custody-ending-'));
});
afterAll(async () => {
  await gateway?.stop();
  await bed?.stop();
  if (home !== undefined) rmSync(home, { recursive: true, force: true });
});

async function as(role: 'developer' | 'reviewer'): Promise<Record<string, string>> {
  return {
    HOME: home,
    PATH: process.env['PATH']!,
    ...(await gateway.cliEnvironment(role, join(home, role))),
  };
}

describe.each(KUBECTLS.filter(({ name }) => name === '1.20' || name === '1.37'))(
  'kubectl $name',
  ({ version, env }) => {
    test.each<[string, string[], string | RegExp, RegExp]>([
      [
        'an exec',
        ['exec', '-i', 'web-0', '--', 'sh', '-c', 'echo begun; cat'],
        'begun',
        /custody: an operator ended this session: runaway/,
      ],
      ['a port-forward', ['port-forward', 'web-0', ':9'], /Forwarding from/, /lost connection to pod/],
      ['logs', ['logs', '-f', 'web-0'], /web-0 line/, /stream error/],
      ['a watch', ['get', 'pods', '--watch'], 'web-0', /^/],
    ])('%s', async (_, args, begun, said) => {
      const person = { ...(await as('developer')), ...env };
      const KUBECONFIG = join(home, `kubeconfig-${version}`);
      const api = version === '1.20' ? ['--exec-api', 'v1beta1'] : [];
      const written = startCustody(['kubeconfig', '--file', KUBECONFIG, '--use', ...api], { env: person });
      expect(await written.ended).toMatchObject({ code: 0 });
      const running = bed.startKubectl(version, ['-n', 'dev', ...args], {
        kubeconfig: KUBECONFIG,
        env: person,
      });
      await running.saw(begun);
      const live = (await sessions(gateway)).filter(({ outcome }) => outcome === undefined);
      expect(live).toHaveLength(1);
      const since = performance.now();
      const reviewer = await as('reviewer');
      const asked = startCustody(['terminate', live[0]!.id, '--reason', 'runaway'], { env: reviewer });
      expect(await asked.ended).toMatchObject({ code: 0 });
      // What it streamed is over; kubectl itself may try again, and is refused.
      const ended = await eventually('its end', async () =>
        (await sessions(gateway)).find(({ id, outcome }) => id === live[0]!.id && outcome !== undefined),
      );
      expect(performance.now() - since).toBeLessThan(WITHIN_MS);
      expect(ended.outcome).toMatchObject({ reason: 'terminated' });
      await running.kill();
      expect(running.stderr()).toMatch(said);
      expect((await verify(gateway, ended.id)).verdict).toBe('verified');
    });
  },
);
