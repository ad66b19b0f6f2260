import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { KubernetesBed } from './support/bed.ts';
import { KubernetesGateway } from './support/gateway.ts';
import { kubernetesTool } from './support/tools.ts';

let bed: KubernetesBed;
let gateway: KubernetesGateway;

beforeAll(async () => {
  bed = await KubernetesBed.start();
  gateway = await KubernetesGateway.start(bed);
});
afterAll(async () => {
  await gateway?.stop();
  await bed?.stop();
});

test.each(['a token', 'an exec plugin'])(
  "Java's client lists, watches, applies and runs a command, with %s",
  async (how) => {
    const email = `java-${randomUUID()}@example.com`;
    const token = await gateway.token({ email, sub: email });
    const status = { token };
    const credential = { apiVersion: 'client.authentication.k8s.io/v1', kind: 'ExecCredential', status };
    const exec = {
      apiVersion: 'client.authentication.k8s.io/v1',
      command: 'echo',
      args: [JSON.stringify(credential)],
      interactiveMode: 'Never',
    };
    const shown = how === 'a token' ? { token } : { exec };
    const kubeconfig = await bed.writeKubeconfig({ server: gateway.url, ca: gateway.ca, ...shown });
    const folder = kubernetesTool('java');
    const ran = await bed.start('java', [
      '-XX:TieredStopAtLevel=1',
      '-cp',
      `${folder}:${folder}/lib/*`,
      'Client',
      kubeconfig,
      'from-java',
    ]).exited;
    // A busy machine makes it warn.
    expect([ran.code, ran.code === 0 ? '' : ran.stderr]).toEqual([0, '']);
    expect(JSON.parse(ran.stdout)).toEqual({
      names: expect.arrayContaining(['echo-0', 'web-0']) as unknown,
      watched: 'ADDED java',
      out: 'out\n',
      err: 'err\n',
      code: 5,
    });
    const events = (await bed.audit()).filter(({ impersonatedUser }) => impersonatedUser?.username === email);
    expect(events.map(({ verb }) => verb)).toEqual(
      expect.arrayContaining(['list', 'watch', 'patch', 'get', 'delete']),
    );
  },
);
