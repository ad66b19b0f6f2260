/** People, and clusters, whose calls come by one connection. */
import { once } from 'node:events';
import { type ClientHttp2Session, connect } from 'node:http2';
import { Agent, request } from 'node:https';
import { expect, it } from 'vitest';
import { Record } from '#core/protocols/kubernetes/tape.ts';
import { selfSigned } from '#test/support/self-signed.ts';
import { type KubernetesStand, TOKEN } from './stand.ts';
import { stood } from './target.ts';

const CREATES = '/api/v1/namespaces/dev/configmaps';

interface Who {
  readonly name: string;
  readonly token: string;
  readonly target: string;
}

const PEOPLE: readonly Who[] = [
  { name: 'ada', token: `${TOKEN}-ada`, target: 'prod' },
  { name: 'bob', token: `${TOKEN}-bob`, target: 'prod' },
  { name: 'ada-elsewhere', token: `${TOKEN}-ada`, target: 'other' },
];

async function says(client: ClientHttp2Session, { name, token, target }: Who, n: number): Promise<void> {
  const path = `/clusters/${target}${CREATES}?by=${name}-${n}`;
  const stream = client.request({ ':method': 'POST', ':path': path, authorization: `Bearer ${token}` });
  stream.end(`"by ${name}, ${n}"`);
  await once(stream, 'response');
  stream.resume();
  await once(stream, 'close');
}

/** What one recording has, as text. */
function textOf(stand: KubernetesStand, tape: number): string {
  const of = stand.records().filter((record) => record.tape === tape);
  return of.map(({ payload }) => Buffer.from(payload).toString()).join('\n');
}

it('security case 7: no recording has anything of another’s call, whose it is by one connection of HTTP/2', async () => {
  const { stand, seen } = await stood((asked, response) => {
    asked.resume();
    asked.on('end', () => response.end(`"answer to ${asked.url}"`));
  });
  const client = connect(`https://localhost:${stand.port}`, { ca: stand.cert });
  // The first calls open the sessions, and then all come at once.
  for (const who of PEOPLE) await says(client, who, 99);
  const rounds = Array.from({ length: 12 }, (_, n) => n);
  await Promise.all(rounds.flatMap((n) => PEOPLE.map((who) => says(client, who, n))));
  client.close();
  expect(stand.begun).toHaveLength(PEOPLE.length);
  const tapes = [...new Set(stand.records().map(({ tape }) => tape))];
  expect(tapes).toHaveLength(PEOPLE.length);
  const found = tapes.map((tape) => {
    const text = textOf(stand, tape);
    return PEOPLE.filter(({ name }) => new RegExp(`by ${name}, `).test(text)).map(({ name }) => name);
  });
  expect(found.map(String).toSorted()).toEqual(['ada', 'ada-elsewhere', 'bob']);
  // What the cluster's own audit log has names the session that has the call.
  for (const { headers, url } of seen) {
    const session = String(headers['impersonate-extra-custody.session']);
    const { greeting } = stand.begun.find((one) => one.session === session)!;
    expect(isOf(greeting.credential, greeting.target, url!)).toBe(true);
  }
});

function isOf(credential: { kind: string; token?: string }, target: string, url: string): boolean {
  const [, name] = /by=(.*)-\d+$/.exec(url)!;
  const who = PEOPLE.find((one) => one.name === name)!;
  return credential.token === who.token && target === who.target;
}

it('security case 13: a token that is swapped on a kept connection is another session, both ways', async () => {
  const { stand } = await stood((_, response) => void response.end('{}'));
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const asks = async (token: string): Promise<boolean> => {
    const sent = request({
      ...{ host: '127.0.0.1', port: stand.port, path: '/clusters/prod/api/v1/pods', agent },
      ...{ ca: stand.cert, servername: 'localhost', headers: { authorization: `Bearer ${token}` } },
    });
    sent.end();
    const [response] = await once(sent, 'response');
    response.resume();
    await once(response, 'end');
    return sent.reusedSocket;
  };
  const kept = [];
  for (const one of ['a', 'b', 'a', 'b', 'a']) kept.push(await asks(`${TOKEN}-${one}`));
  agent.destroy();
  expect(kept).toEqual([false, true, true, true, true]);
  const calls = stand.records().filter(({ stream, type }) => stream === 'client' && type === Record.head);
  const numbers = calls.map(({ tape, call }) => `${tape}: ${call}`);
  expect(numbers.toSorted()).toEqual(['1: 1', '1: 2', '1: 3', '2: 1', '2: 2']);
});

it('security case 3: each connection proves the device anew, or is of another session', async () => {
  const { stand } = await stood((_, response) => void response.end('{}'));
  const device = await selfSigned('laptop');
  const other = await selfSigned('another');
  for (const shown of [device, {}, other, device]) {
    const sent = request({
      ...{ host: '127.0.0.1', port: stand.port, path: '/clusters/prod/api/v1/pods', agent: false },
      ...{ ca: stand.cert, servername: 'localhost', headers: { authorization: `Bearer ${TOKEN}` } },
      ...shown,
    });
    sent.end();
    const [response] = await once(sent, 'response');
    response.resume();
    await once(response, 'end');
  }
  const keys = stand.begun.map(({ greeting }) => greeting.device?.thumbprint);
  expect(keys).toHaveLength(3);
  expect(keys[0]).toBeDefined();
  expect(keys[1]).toBeUndefined();
  expect(keys[2]).not.toBe(keys[0]);
});
