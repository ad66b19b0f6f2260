/** Ways to a cluster and through it that no client of the matrix takes by itself. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import WebSocket from 'ws';
import { KubernetesBed } from './support/bed.ts';
import { KubernetesGateway } from './support/gateway.ts';

const CONFIGMAPS = '/api/v1/namespaces/dev/configmaps';

let bed: KubernetesBed;
let gateway: KubernetesGateway;

beforeAll(async () => {
  bed = await KubernetesBed.start();
  gateway = await KubernetesGateway.start(bed, { target: 'serverNames: [localhost]' });
});
afterAll(async () => {
  await gateway?.stop();
  await bed?.stop();
});

describe('a cluster that is named by the connection', () => {
  test.each(['1.20', '1.37'] as const)('is there for kubectl %s --tls-server-name', async (version) => {
    const token = await gateway.token({ sub: randomUUID() });
    const server = `https://127.0.0.1:${gateway.port}`;
    const kubeconfig = await bed.writeKubeconfig({
      server,
      ca: gateway.ca,
      token,
      tlsServerName: 'localhost',
    });
    const ran = await bed.kubectl(version, ['get', 'pods', '-n', 'dev', '-o', 'name'], { kubeconfig });
    expect([ran.stderr, ran.stdout]).toEqual(['', expect.stringContaining('pod/web-0')]);
    const hello = ['exec', '-n', 'dev', 'web-0', '--', 'echo', 'hello'];
    expect(await bed.kubectl(version, hello, { kubeconfig })).toMatchObject({ code: 0, stdout: 'hello\n' });
  });
});

describe("kubectl's other commands", () => {
  test.each([
    ['auth can-i', ['auth', 'can-i', 'create', 'pods', '-n', 'dev'], 'yes'],
    ['wait', ['wait', '-n', 'dev', 'pod/web-0', '--for=condition=Ready', '--timeout=10s'], 'condition met'],
    ['top', ['top', 'pods', '-n', 'dev'], 'web-0'],
    ['debug', ['debug', '-n', 'dev', 'web-0', '--image=busybox', '--target=main', '--', 'true'], ''],
    ['drain', ['drain', 'node-1', '--dry-run=server', '--force', '--ignore-daemonsets'], 'node/node-1'],
  ])('%s', async (_, args, said) => {
    const groups = ['developers', 'admins'];
    const kubeconfig = await gateway.kubeconfig({ sub: randomUUID(), groups });
    const ran = await bed.kubectl('1.37', args, { kubeconfig });
    expect([ran.code, ran.stdout + ran.stderr]).toEqual([0, expect.stringContaining(said)]);
  });

  test('proxy', async () => {
    const kubeconfig = await gateway.kubeconfig({ sub: randomUUID() });
    const running = bed.startKubectl('1.37', ['proxy', '--port=0', '--append-server-path'], { kubeconfig });
    try {
      const [, local] = await running.saw(/Starting to serve on 127\.0\.0\.1:(\d+)/);
      const pods = await fetch(`http://127.0.0.1:${local}/api/v1/namespaces/dev/pods/web-0`);
      expect(await pods.json()).toMatchObject({ metadata: { name: 'web-0' } });
    } finally {
      await running.kill();
    }
  });
});

describe('WebSockets', () => {
  test('of a browser show a token among their protocols: it is the credential, and on no tape', async () => {
    const email = `browser-${randomUUID()}@example.com`;
    const { token } = await gateway.credentials({ sub: email, email });
    const bearer = `base64url.bearer.authorization.k8s.io.${Buffer.from(token!).toString('base64url')}`;
    const query = 'container=main&stdout=true&command=echo&command=hello';
    const path = gateway.path(`/api/v1/namespaces/dev/pods/web-0/exec?${query}`);
    const socket = webSocket(path, [bearer, 'v4.channel.k8s.io'], { origin: 'https://console.example' });
    const said: Buffer[] = [];
    socket.on('message', (data: Buffer) => void (data[0] === 1 && said.push(data.subarray(1))));
    await once(socket, 'close');
    expect([socket.protocol, Buffer.concat(said).toString()]).toEqual(['v4.channel.k8s.io', 'hello\n']);
    await leave(token!);
    const { id } = await gateway.sessionOf(email);
    const tape = Buffer.concat((await gateway.frames(id)).map(({ payload }) => Buffer.from(payload)));
    expect(tape.includes(token!.slice(-40)) || tape.includes(bearer.slice(-40))).toBe(false);
  });

  test.each(['v4.channel.k8s.io', 'v4.base64.channel.k8s.io'])(
    'forward a port by %s, without a tunnel',
    async (protocol) => {
      const { token } = await gateway.credentials({ sub: randomUUID() });
      const { server, portOfServer } = await answering();
      const path = gateway.path(`/api/v1/namespaces/dev/pods/web-0/portforward?ports=${portOfServer}`);
      const socket = webSocket(path, [protocol], { authorization: `Bearer ${token}` });
      const isText = protocol.includes('base64');
      let said = '';
      const whole = new Promise<void>((done) =>
        socket.on('message', (data: Buffer) => {
          const channel = isText ? Number(String.fromCharCode(data[0]!)) : data[0];
          const bytes = isText ? Buffer.from(data.subarray(1).toString(), 'base64') : data.subarray(1);
          // The first message of each channel is the port's number.
          if (channel === 0 && !(said === '' && bytes.length === 2)) said += bytes.toString();
          if (said.endsWith('pong')) done();
        }),
      );
      await once(socket, 'open');
      socket.send(isText ? `0${Buffer.from('ping').toString('base64')}` : Buffer.from('\0ping'));
      await whole;
      expect(said).toBe('pong');
      socket.close();
      server.close();
    },
  );
});

describe('a request', () => {
  test('that waits for leave to send its body gets it, and one without a rule is refused before it sends', async () => {
    const ask = async (token: string) => {
      const body = JSON.stringify({ metadata: { name: `expected-${randomUUID()}` } });
      const headers = {
        'content-type': 'application/json',
        'content-length': body.length,
        expect: '100-continue',
      };
      const sent = request({
        ...place(gateway.path(CONFIGMAPS)),
        method: 'POST',
        headers: { ...headers, authorization: `Bearer ${token}` },
      });
      let wasTold = false;
      sent.once('continue', () => {
        wasTold = true;
        sent.end(body);
      });
      sent.flushHeaders();
      const [response] = await once(sent, 'response');
      response.resume();
      sent.destroy();
      return [response.statusCode as number, wasTold];
    };
    expect(await ask(await gateway.token({ sub: randomUUID() }))).toEqual([201, true]);
    expect(await ask('none')).toEqual([401, false]);
  });

  test('has trailers on the tape, and the cluster sees none', async () => {
    const email = `trailers-${randomUUID()}@example.com`;
    const token = await gateway.token({ sub: email, email });
    const headers = {
      'content-type': 'application/json',
      trailer: 'X-Sum',
      authorization: `Bearer ${token}`,
    };
    const sent = request({ ...place(gateway.path(CONFIGMAPS)), method: 'POST', headers });
    sent.addTrailers({ 'X-Sum': 'abc', 'Impersonate-User': 'admin' });
    sent.end(JSON.stringify({ metadata: { name: `trailed-${randomUUID()}` } }));
    const [response] = await once(sent, 'response');
    expect(response.statusCode).toBe(201);
    response.resume();
    await leave(token);
    const { id } = await gateway.sessionOf(email);
    const tape = Buffer.concat(
      (await gateway.frames(id)).map(({ payload }) => Buffer.from(payload)),
    ).toString();
    expect(tape).toContain('"trailers":[["X-Sum","abc"]');
    expect((await bed.audit()).some(({ impersonatedUser }) => impersonatedUser?.username === 'admin')).toBe(
      false,
    );
  });
});

test("the gateway's own credential may be a client certificate", async () => {
  const own = await KubernetesGateway.start(bed, { credential: 'certificate' });
  try {
    const kubeconfig = await own.kubeconfig({ sub: 'by-certificate' });
    const hello = ['exec', '-n', 'dev', 'web-0', '--', 'echo', 'hello'];
    expect(await bed.kubectl('1.37', hello, { kubeconfig })).toMatchObject({ code: 0, stdout: 'hello\n' });
    const event = await bed.audited(
      'an exec',
      ({ user, objectRef }) => user.username === 'custody-gateway' && objectRef?.subresource === 'exec',
    );
    expect(event.impersonatedUser?.username).toBe('dana@example.com');
  } finally {
    await own.stop();
  }
});

function place(path: string) {
  return { host: '127.0.0.1', port: gateway.port, path, ca: gateway.ca, agent: false as const };
}

function webSocket(path: string, protocols: string[], headers: Record<string, string>): WebSocket {
  return new WebSocket(`wss://127.0.0.1:${gateway.port}${path}`, protocols, { ca: gateway.ca, headers });
}

/** Ends a session at once. */
async function leave(token: string): Promise<void> {
  const sent = request({
    ...place(gateway.path('')),
    method: 'DELETE',
    headers: { authorization: `Bearer ${token}` },
  });
  sent.end();
  const [response] = await once(sent, 'response');
  response.resume();
  expect(response.statusCode).toBe(204);
}

async function answering() {
  const { createServer } = await import('node:net');
  const server = createServer((socket) => socket.once('data', () => socket.write('pong'))).listen(
    0,
    '127.0.0.1',
  );
  await once(server, 'listening');
  return { server, portOfServer: (server.address() as AddressInfo).port };
}
