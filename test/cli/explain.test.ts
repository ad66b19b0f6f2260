import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { demoConfig } from '#local/setup/demo-config.ts';
import { readSettings } from '#local/setup/settings.ts';
import { makeSigner, pem } from '#test/support/evidence-builder.ts';
import { custody, environment, fakeApi, temporary } from './support.ts';

let file: string;
let text: string;
beforeEach(() => {
  file = join(temporary(), 'custody.yaml');
  demoConfig(file, readSettings([]));
  text = parseBack();
});

function parseBack(): string {
  return demoConfig(file, readSettings([])).version;
}

const explain = (...args: string[]) => custody(['explain', ...args, '--config', file]);

describe('custody explain, offline, of several issuers', () => {
  const TEXT = `version: 1
identity:
  - { issuer: "https://id.example", audience: custody }
  - { name: github, kind: workload, issuer: "https://ci.example", audience: custody, match: { owner: acme } }
targets:
  db: { protocol: postgres, address: "db:5432", database: d, credential: { user: u, passwordFile: p } }
rules:
  - { name: deploys, issuer: github, claims: { repository: acme/shop, ref: refs/heads/main }, targets: [db], allow: [connect] }
  - { name: agents, groups: [developers], actor: { subject: "agent-*" }, targets: [db], allow: [connect] }
`;
  beforeEach(() => writeFileSync(file, TEXT));
  const job = [
    'connect',
    'db',
    '--as',
    'repo:acme/shop',
    '--issuer',
    'github',
    '--claim',
    'repository=acme/shop',
  ];
  const dana = ['connect', 'db', '--as', 'x@example.com', '--groups', 'developers'];

  it.each<[code: number, args: string[], line: string]>([
    [0, [...job, '--claim', 'ref=refs/heads/main'], 'allowed: the rule deploys allows it'],
    [
      0,
      [...job, '--claim', 'ref=x', '--claim', 'ref=refs/heads/main'],
      'allowed: the rule deploys allows it',
    ],
    [
      3,
      [...job, '--claim', 'ref=refs/heads/main2'],
      '  rule deploys: the claim ref is refs/heads/main2, and it is for refs/heads/main',
    ],
    [3, job, '  rule deploys: the claim ref is not in the token, and it is for refs/heads/main'],
    [3, dana, '  rule agents: it is for those who act for somebody, and nobody acts here'],
    [0, [...dana, '--actor', 'agent-7'], 'allowed: the rule agents allows it'],
    [0, [...dana, '--actor', 'agent-7', '--actor', 'x'], 'allowed: the rule agents allows it'],
    [
      3,
      [...dana, '--actor', 'x', '--actor', 'agent-7'],
      '  rule agents: x of https://id.example is none of those that may act for others by it',
    ],
    [
      3,
      [...dana, '--actor', 'agent-7', '--actor-issuer', 'https://ci.example'],
      '  rule agents: agent-7 of https://ci.example is none of those that may act for others by it',
    ],
  ])('ends with %i: %j', async (code, args, line) => {
    const ran = await explain(...args);
    expect([ran.code, ran.stderr]).toEqual([code, '']);
    expect(ran.stdout).toContain(line);
  });

  it('says which issuers there are, and what a claim looks like', async () => {
    const unknown = await explain(...dana, '--issuer', 'okta');
    expect(unknown).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('it has default, github') as string,
    });
    expect((await explain(...dana, '--claim', 'ref')).code).toBe(2);
  });
});

describe('custody explain, offline', () => {
  it('says why somebody may', async () => {
    const { code, stdout } = await explain('connect', 'orders-db', '--as', 'dana@example.com');
    expect([code, stdout.split('\n').slice(0, 2)]).toEqual([
      0,
      ['allowed: the rule developers-work allows it', '  rule developers-work: allows it'],
    ]);
  });

  it('says as what one may connect, where that is as a task alone', async () => {
    const { code, stdout } = await explain('connect', 'orders-prod', '--as', 'dana@example.com');
    expect(code).toBe(0);
    expect(stdout).toContain('allowed: the rule refunds-work allows it, as the task refunds/find of a run\n');
  });

  it('says that one may ask, and how', async () => {
    const all = readFileSync(file, 'utf8');
    writeFileSync(file, all.replace(/ {2}- name: refunds-work[^]*?(?= {2}- name: own-sessions\n)/, ''));
    const { code, stdout } = await explain('connect', 'orders-prod', '--as', 'dana@example.com');
    expect(code).toBe(4);
    expect(stdout).toContain('requestable: access to "orders-prod" needs an approval\n');
    expect(stdout).toContain('  rule developers-ask: it needs a grant\n');
    expect(stdout).toContain('hint: ask for access: custody request orders-prod --reason "…" --for 4h;');
  });

  it('says what is in the way, rule by rule', async () => {
    const { code, stdout } = await explain('connect', 'orders-prod', '--as', 'ada@example.com');
    expect(code).toBe(3);
    expect(stdout).toContain('denied: no rule allows it\n');
    expect(stdout).toContain('  rule auditors: it is not for connect\n');
  });

  it('is about anybody, from anywhere, at any time', async () => {
    const rule =
      '    allow: [connect]\n    when: { networks: [10.0.0.0/8], hours: { days: [mon], from: "08:00", to: "18:00", zone: UTC }, mfa: required, tasks: [migration] }\n';
    writeFileSync(
      file,
      (await import('node:fs')).readFileSync(file, 'utf8').replace('    allow: [connect]\n', rule),
    );
    const who = ['connect', 'orders-db', '--as', 'x@example.com', '--groups', 'developers,others'];
    const good = ['--from', '10.1.2.3', '--at', '2026-11-23T09:00:00Z', '--mfa', '--task', 'migration'];
    expect((await explain(...who, ...good)).code).toBe(0);
    const elsewhere = await explain(...who, ...good, '--from', '192.0.2.1');
    expect(elsewhere).toMatchObject({
      code: 3,
      stdout: expect.stringContaining('does not come from its networks') as string,
    });
    expect((await explain(...who, ...good, '--at', '2026-11-24T09:00:00Z')).stdout).toContain(
      'it is outside its hours',
    );
    expect(
      (
        await explain(
          'replay',
          'orders-db',
          '--as',
          'x@example.com',
          '--groups',
          'developers',
          '--session',
          'y@example.com',
        )
      ).code,
    ).toBe(3);
    expect(
      (await explain('replay', 'orders-db', '--as', 'x@example.com', '--groups', 'developers')).code,
    ).toBe(0);
  });

  it('wants to know which groups, a target, and a time that is one', async () => {
    expect((await explain('connect', 'orders-db', '--as', 'x@example.com')).stderr).toContain(
      'say which groups x@example.com is in',
    );
    expect((await explain('connect', '--as', 'dana@example.com')).stderr).toContain('name the target');
    expect(
      (await explain('connect', 'orders-db', '--as', 'dana@example.com', '--at', 'noon')).stderr,
    ).toContain('noon is not a time');
    expect((await explain('fly', 'orders-db', '--as', 'dana@example.com')).code).toBe(2);
  });

  it('is one line of JSON as well', async () => {
    const { stdout } = await explain('connect', 'orders-db', '--as', 'dana@example.com', '--json');
    expect(JSON.parse(stdout)).toMatchObject({
      verdict: 'allowed',
      policy: text,
      rules: expect.any(Array) as unknown[],
    });
  });
});

it('custody explain asks the gateway about oneself', async () => {
  const api = await fakeApi(pem(makeSigner()).toString());
  const answer = {
    verdict: 'denied',
    action: 'connect',
    target: 'a',
    policy: 'p',
    because: 'no rule allows it',
    hint: 'ask',
  };
  api.answers.set('/v1/explanation', answer);
  const ran = await custody(['explain', 'connect', 'a'], { env: environment(api) });
  expect(ran).toMatchObject({ code: 3, stdout: 'denied: no rule allows it\nhint: ask\n' });
  expect(api.requests.at(-1)!.path).toBe('/v1/explanation?action=connect&target=a');
});

describe('custody config', () => {
  it('check says that a file is good, or where it is not', async () => {
    const good = await custody(['config', 'check', file]);
    expect(good).toMatchObject({
      code: 0,
      stdout: `${file}: good, 3 targets (1 of them a sandbox), 15 rules, 1 workflow, 0 webhooks; version ${text}\n`,
    });
    const json = await custody(['config', 'check', file, '--json']);
    expect(JSON.parse(json.stdout)).toEqual({
      file,
      version: text,
      targets: 3,
      sandboxes: 1,
      rules: 15,
      workflows: 1,
      webhooks: 0,
    });
    const open = 'version: 1\nidentity: { issuer: https://accounts.google.com, audience: c }\ntargets: {}\n';
    writeFileSync(file, open);
    const warned = await custody(['config', 'check', file]);
    expect(warned).toMatchObject({
      code: 0,
      stderr: expect.stringContaining(`warning: ${file}: identity.match: is missing`) as string,
    });
    writeFileSync(file, 'version: 1\nidentity: { issuer: "http://example.com", audience: c }\ntargets: {}\n');
    const bad = await custody(['config', 'check', file]);
    expect([bad.code, bad.stderr.split('\n')[0]]).toEqual([
      1,
      `custody: ${file}:2:21: identity.issuer: expected an https URL (http only for an issuer on 127.0.0.1, ::1 or localhost)`,
    ]);
    const none = await custody(['config', 'check', join(temporary(), 'none.yaml')]);
    expect(none).toMatchObject({ code: 1, stderr: expect.stringContaining('cannot be read') as string });
  });

  it('schema is a JSON Schema that takes the demo’s file, and not another', async () => {
    const { stdout } = await custody(['config', 'schema']);
    const validate = new Ajv2020({ strict: false }).compile(JSON.parse(stdout) as object);
    const demo = parse((await import('node:fs')).readFileSync(file, 'utf8')) as Record<string, unknown>;
    expect([validate(demo), validate.errors]).toEqual([true, null]);
    expect(validate({ ...demo, rulez: [] })).toBe(false);
    expect(validate({ ...demo, version: 2 })).toBe(false);
  });
});
