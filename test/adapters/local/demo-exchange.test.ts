import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeJwt } from 'jose';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { exchangeDemoTokens } from '#adapters/local/demo-exchange.ts';
import { type DemoRole, demoToken, recordDemoIssuer } from '#adapters/local/demo-issuer.ts';
import { type DemoKeys, demoKeys, peopleKeys, signedBy, workloadKeys } from '#adapters/local/demo-keys.ts';
import { agentToken } from '#adapters/local/demo-workloads.ts';

const ISSUER = 'http://127.0.0.1:7401';
const WORKLOADS = `${ISSUER}/workloads`;
const NOW = Date.UTC(2026, 10, 29);
const NOW_S = NOW / 1000;

let dataDir: string;
let people: DemoKeys;
let workloads: DemoKeys;
beforeEach(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'custody-exchange-'));
  people = await demoKeys(dataDir, peopleKeys);
  workloads = await demoKeys(dataDir, workloadKeys);
  recordDemoIssuer(dataDir, { issuer: ISSUER, audience: 'custody' });
});
afterEach(() => rmSync(dataDir, { recursive: true }));

const ofPerson = (more: object = {}, role: DemoRole = 'developer', at = NOW) =>
  demoToken(dataDir, role, at, { ...more });
const ofAgent = (agent = 'agent-7', audience = ISSUER, at = NOW) =>
  agentToken(workloads, WORKLOADS, audience, agent, at);
const exchanged = async (subject: Promise<string>, actor = ofAgent()) =>
  exchangeDemoTokens(dataDir, await subject, await actor, NOW);

describe('token exchange at the demo identity provider (RFC 8693)', () => {
  it('makes a token of the person that names who acts', async () => {
    const { token, expiresInS } = await exchanged(ofPerson({ sid: 's1', nonce: 'not carried' }));
    expect(expiresInS).toBe(3600);
    expect(decodeJwt(token)).toEqual({
      iss: ISSUER,
      aud: 'custody',
      sub: 'dev-1',
      name: 'Dana',
      email: 'dana@example.com',
      groups: ['developers'],
      sid: 's1',
      iat: NOW_S,
      exp: NOW_S + 3600,
      act: { sub: 'agent-7', iss: WORKLOADS },
    });
  });

  it('makes none that outlives the token of the person', async () => {
    const { token, expiresInS } = await exchanged(ofPerson({}, 'developer', NOW - 3_000_000));
    expect([expiresInS, decodeJwt(token).exp]).toEqual([600, NOW_S + 600]);
  });

  it('says the groups of today, whatever the token of the person says', async () => {
    const { token } = await exchanged(ofPerson({ groups: ['platform'] }));
    expect(decodeJwt(token)['groups']).toEqual(['developers']);
  });

  it('keeps who acted before, up to five', async () => {
    let token = ofPerson();
    for (let times = 1; times <= 5; times += 1) token = exchanged(token).then((made) => made.token);
    const act = { sub: 'agent-7', iss: WORKLOADS };
    expect(decodeJwt(await token)['act']).toEqual({
      ...act,
      act: { ...act, act: { ...act, act: { ...act, act } } },
    });
    await expect(exchanged(token)).rejects.toThrow('too many act for each other');
  });

  it.each<[what: string, subject: () => Promise<string>, actor: () => Promise<string>, why: string]>([
    [
      'a subject token that has expired',
      () => ofPerson({}, 'developer', NOW - 3_600_000),
      ofAgent,
      'the subject token',
    ],
    [
      'an actor token that has expired',
      ofPerson,
      () => ofAgent('agent-7', ISSUER, NOW - 300_000),
      'the actor token',
    ],
    ['an actor token that is for Custody', ofPerson, () => ofAgent('agent-7', 'custody'), 'the actor token'],
    ['an agent that nobody knows', ofPerson, () => ofAgent('agent-8'), 'may not act for this person'],
    ['an agent of an odd name', ofPerson, () => ofAgent('__proto__'), 'may not act for this person'],
    [
      'a person whose agent it is not',
      () => ofPerson({}, 'reviewer'),
      ofAgent,
      'may not act for this person',
    ],
    ['the tokens the wrong way round', ofAgent, ofPerson, 'the subject token'],
    ['an agent’s token as both', ofAgent, ofAgent, 'the subject token'],
    ['a person’s token as both', ofPerson, ofPerson, 'the actor token'],
    [
      'a token that is bound to a device',
      () => ofPerson({ cnf: { 'x5t#S256': 'x' } }),
      ofAgent,
      'bound to a device',
    ],
    ['a logout token', () => ofPerson({ events: {} }), ofAgent, 'not an ID token'],
    ['no token at all', async () => 'hello', ofAgent, 'the subject token'],
    [
      'an actor token of the people’s key',
      ofPerson,
      () => signedBy(people, { iss: WORKLOADS, aud: ISSUER, sub: 'agent-7', iat: NOW_S, exp: NOW_S + 60 }),
      'the actor token',
    ],
    [
      'a subject token of the workloads’ key',
      () => signedBy(workloads, { iss: ISSUER, aud: 'custody', sub: 'dev-1', iat: NOW_S, exp: NOW_S + 60 }),
      ofAgent,
      'the subject token',
    ],
    [
      'a subject token of another issuer',
      () => signedBy(people, { iss: WORKLOADS, aud: 'custody', sub: 'dev-1', iat: NOW_S, exp: NOW_S + 60 }),
      ofAgent,
      'the subject token',
    ],
    [
      'a subject token that never expires',
      () => signedBy(people, { iss: ISSUER, aud: 'custody', sub: 'dev-1', iat: NOW_S }),
      ofAgent,
      'the subject token',
    ],
    [
      'a subject token for another client',
      () => signedBy(people, { iss: ISSUER, aud: 'other', sub: 'dev-1', iat: NOW_S, exp: NOW_S + 60 }),
      ofAgent,
      'the subject token',
    ],
  ])('refuses %s', async (_, subject, actor, why) => {
    await expect(exchanged(subject(), actor())).rejects.toMatchObject({
      code: 'token-invalid',
      message: expect.stringContaining(why) as string,
    });
  });
});
