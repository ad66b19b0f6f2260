import { describe, expect, it } from 'vitest';
import { Authorization } from '#core/access/decide.ts';
import { AccessDesk } from '#core/access/desk.ts';
import { endingOf } from '#core/access/live.ts';
import { PolicyInForce } from '#core/access/policy.ts';
import { identityText } from '#core/access/ssh-certificates/identity.ts';
import { revocationMark } from '#core/access/ssh-certificates/revocation.ts';
import type { ProvedKey } from '#core/identity/credential.ts';
import { markedLogout } from '#core/identity/logouts.ts';
import { TokenFailures } from '#core/identity/token-failures.ts';
import { toldStanding } from '#core/identity/told-standing.ts';
import { makeCertificate } from '#core/protocols/ssh/keys/certificate-make.ts';
import { newSessionId } from '#core/recording/session-id.ts';
import { RefusalCounter } from '#core/status/refusals.ts';
import { Admission, type Visitor } from '#proxy/admission.ts';
import { WaitingRoom } from '#proxy/waiting-room.ts';
import {
  DANA,
  ISSUER,
  issue,
  KEY,
  later,
  NOW,
  newKey,
  policyWith,
  proved,
  verifierAt,
} from '#test/core/access/ssh-certificates/support.ts';
import { MemoryAccess } from '#test/support/memory-access.ts';
import { MemoryDevices } from '#test/support/memory-devices.ts';
import { MemoryLogouts } from '#test/support/memory-logouts.ts';
import { MemoryLeaves, memorySigner } from '#test/support/memory-ports.ts';
import { MemoryRuns } from '#test/support/memory-runs.ts';
import { noDirectory } from '#test/support/memory-scim.ts';

const RULE =
  '  - { name: short, groups: [oncall], targets: [web-1], allow: [connect], session: { endsWithToken: true } }';
const config = policyWith('', RULE);

function door() {
  const clock = { now: NOW };
  const wallClock = (): Date => clock.now;
  const [store, logouts, devices] = [new MemoryAccess(), new MemoryLogouts(), new MemoryDevices()];
  const policy = new PolicyInForce(config, {
    read: async () => config,
    adopt: async () => undefined,
    now: wallClock,
  });
  const newId = (now: Date): string => newSessionId(now.getTime(), new Uint8Array(10));
  const listening = {
    ...config,
    issuers: config.issuers.map((one) => ({ ...one, backchannelLogout: true })),
  };
  const admission = new Admission({
    policy,
    verifier: () => ({ verify: () => Promise.reject(new Error('no token was shown')) }),
    certificates: { verify: (...shown) => verifierAt(clock.now, config).verify(...shown) },
    standing: toldStanding({ policy: () => listening, store: noDirectory().desk as never, logouts, devices }),
    failures: new TokenFailures(() => clock.now.getTime()),
    refusals: new RefusalCounter('gateway', () => new Date(NOW)),
    devices,
    requests: store,
    runs: new MemoryRuns(),
    desk: new AccessDesk({
      requests: store,
      leaves: new MemoryLeaves(),
      stream: { tell: async () => undefined },
      now: wallClock,
      newId,
    }),
    waitingRoom: new WaitingRoom(),
    wallClock,
    pause: async () => undefined,
  });
  const knock = (certificate: Uint8Array, device: ProvedKey | undefined = proved(), target = 'web-1') =>
    admission.admit({
      greeting: {
        ...{ target, credential: { kind: 'ssh-certificate', certificate }, device, ask: {}, gone: false },
        notify: () => undefined,
        identified: () => undefined,
      },
      protocol: 'ssh',
      network: '192.0.2.7',
      clock: { stop: () => undefined, restart: () => undefined },
    } as unknown as Visitor);
  return { clock, logouts, knock };
}

describe('with an SSH certificate', () => {
  it('whom a rule lets in is in, until it is over', async () => {
    const { knock, clock } = door();
    const { certificate } = await issue({ validMs: 60_000 });
    expect((await knock(certificate)).principal.subject).toBe('dana');
    clock.now = later(60);
    await expect(knock(certificate)).rejects.toMatchObject({ code: 'token-invalid' });
  });

  it.each(['serial', 'key', 'person'] as const)(
    'nobody is let in once it was revoked by its %s (security case 12)',
    async (kind) => {
      const { knock, logouts } = door();
      const { certificate, issued } = await issue();
      await knock(certificate);
      const { serial, key, person } = issued;
      await logouts.take(revocationMark({ kind, ...{ serial, key, person } }, later(1)));
      await expect(knock(certificate)).rejects.toMatchObject({ code: 'access-revoked' });
    },
  );

  it('nobody is let in whom the issuer has logged out since they got it (security case 12)', async () => {
    const { knock, logouts } = door();
    const { certificate } = await issue();
    await logouts.take(markedLogout({ issuer: ISSUER, subject: 'dana', at: NOW, token: 't' }));
    await expect(knock(certificate)).rejects.toMatchObject({ code: 'access-revoked' });
  });

  it('for one target nobody reaches another', async () => {
    const { knock } = door();
    const { certificate } = await issue({ target: 'web-2' });
    await expect(knock(certificate)).rejects.toMatchObject({ code: 'access-denied' });
  });

  it('a session ends in its midst with the certificate, where the rule says that it ends with what opened it', async () => {
    const { knock } = door();
    const principal = { ...DANA, groups: ['oncall'], expiresAt: later(600) };
    const { certificate } = await issue({ validMs: 60_000 }, { principal, policy: config });
    const permission = await knock(certificate);
    expect(Authorization.isOne(permission)).toBe(true);
    const live = { session: 's', rule: permission.rule, startedAt: NOW };
    const ask = (now: Date) =>
      endingOf({
        policy: config,
        principal: permission.principal,
        action: 'connect',
        target: 'web-1',
        now,
        live,
      });
    expect(ask(later(59))).toBeUndefined();
    expect(ask(later(60))).toMatchObject({ reason: 'expired' });
  });

  it('security case 3: neither a stolen certificate nor the key alone is enough', async () => {
    const { knock } = door();
    const { certificate } = await issue();
    await expect(knock(certificate, proved(newKey()))).rejects.toMatchObject({ code: 'token-invalid' });
    await expect(knock(KEY.blob)).rejects.toMatchObject({ code: 'token-invalid' });
  });
});

describe('whoever forges certificates', () => {
  const forged = (subject: string) =>
    makeCertificate(
      {
        kind: 'user',
        ...{ key: newKey(), serial: 1n, keyId: 'k', principals: ['custody'] },
        validAfter: later(-60),
        validBefore: later(60),
        extensions: {
          'identity@custody': identityText({ principal: { ...DANA, subject }, certifiedAt: NOW }),
        },
      },
      memorySigner(),
    );

  it('is counted by whom they claim to be, however many they make, and shuts out nobody else', async () => {
    const { knock } = door();
    for (let n = 0; n < 20; n += 1)
      await expect(knock(await forged('eve'))).rejects.toMatchObject({ code: 'token-invalid' });
    await expect(knock(await forged('eve'))).rejects.toMatchObject({ code: 'too-many-failures' });
    const { certificate } = await issue();
    expect((await knock(certificate)).principal.subject).toBe('dana');
  });
});
