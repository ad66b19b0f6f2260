import { expect, test } from 'vitest';
import { newKey, pair } from './support.ts';

test('a password arrives', async () => {
  const { client, server } = pair({ kind: 'password', password: 'ey…' });
  client.start();
  expect(await server.next()).toMatchObject({ kind: 'password', user: 'deploy+web-1', password: 'ey…' });
  server.accept();
  await expect(client.done).resolves.toBeUndefined();
});

test('a key of a device arrives, and is not enough', async () => {
  const key = newKey();
  const { client, server } = pair({ kind: 'key', key }, { devices: [key.publicKey] });
  client.start();
  expect(await server.next()).toMatchObject({ kind: 'key', proof: { algorithm: 'ssh-ed25519' } });
  server.goOn();
  await expect(client.done).rejects.toMatchObject({ code: 'target-refused' });
});

test('a password goes on by keyboard-interactive where it is refused', async () => {
  const { client, server } = pair({ kind: 'password', password: 'p' });
  client.start();
  await server.next();
  server.refuse('no token');
  const attempt = await server.next();
  if (attempt.kind !== 'interactive') throw new Error(attempt.kind);
  await attempt.dialogue.tell('hello');
  expect(await attempt.dialogue.ask('', [{ text: 'Password: ', echo: false }])).toEqual(['p']);
  server.accept();
  await client.done;
  expect(client.banner).toBe('no token\r\n');
});
