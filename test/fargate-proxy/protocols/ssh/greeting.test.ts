import { expect, it } from 'vitest';
import { SshGreeting } from '#proxy/protocols/ssh/greeting.ts';

it('security case 9: what is run again is let into a sandbox alone, before anything is dialled', async () => {
  const left = new AbortController().signal;
  const client = { left, leg: { transport: { keys: { peerVersion: 'SSH-2.0-x' } } } };
  const greeting = new SshGreeting({
    ...{ client, signal: left, options: {} },
    shown: { user: 'deploy+web-1,rerun=019aaf3e-6d1c-7a61-9f43-0b9a7c1d2e3f', credential: {} },
  } as never);
  expect([greeting.target, greeting.login]).toEqual(['web-1', 'deploy']);
  const notes: unknown[] = [];
  const tape = { note: (note: unknown) => notes.push(note), session: 's' };
  const dial = (target: object) =>
    greeting.dial({ target } as never, undefined, tape as never, left, {} as never);
  await expect(dial({ name: 'web-1', logins: { deploy: {} } })).rejects.toMatchObject({
    code: 'access-denied',
    message: 'web-1 is no sandbox, and a session is run again nowhere else',
  });
  expect(notes).toEqual([]);
  // Of a sandbox it goes on, to what this test does not have.
  await expect(dial({ name: 'web-1', sandbox: true, logins: { deploy: {} } })).rejects.not.toMatchObject({
    code: 'access-denied',
  });
  expect(notes).toEqual([{ note: 'rerun', of: '019aaf3e-6d1c-7a61-9f43-0b9a7c1d2e3f' }]);
});
