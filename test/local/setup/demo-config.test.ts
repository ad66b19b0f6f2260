import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { demoConfig } from '#local/setup/demo-config.ts';
import { readSettings } from '#local/setup/settings.ts';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'custody-demo-config-'));
  file = join(folder, 'custody.yaml');
});
afterEach(() => rmSync(folder, { recursive: true }));

const startOn = (base: number) => demoConfig(file, readSettings(['--port-base', String(base)]));

/** As npm start wrote it before there were several issuers. */
const OF_BEFORE = `version: 1

identity:
  issuer: http://127.0.0.1:7401 # set by npm start
  audience: custody
  groupsClaim: groups

targets: {}
`;

describe("the demo's custody.yaml", () => {
  it('knows an issuer of people and one of workloads', () => {
    const { issuers } = startOn(7400);
    expect(issuers.map(({ name, kind, issuer }) => ({ name, kind, issuer }))).toEqual([
      { name: 'people', kind: 'person', issuer: 'http://127.0.0.1:7401' },
      { name: 'actions', kind: 'workload', issuer: 'http://127.0.0.1:7401/workloads' },
    ]);
  });

  it('follows the ports of a start, in every place', () => {
    startOn(7400);
    const before = readFileSync(file, 'utf8');
    const { issuers, rules, targets, workflows, console } = startOn(8400);
    expect(console).toBe('http://127.0.0.1:8402');
    expect(issuers.map(({ issuer }) => issuer)).toEqual([
      'http://127.0.0.1:8401',
      'http://127.0.0.1:8401/workloads',
    ]);
    const actors = rules.flatMap(({ actor }) => (typeof actor === 'object' ? [actor.issuer] : []));
    const tasks = Object.values(workflows.get('refunds')!.tasks);
    actors.push(
      ...tasks.flatMap(({ by }) =>
        by.flatMap(({ actor }) => (typeof actor === 'object' ? [actor.issuer] : [])),
      ),
    );
    expect(actors).toEqual(actors.map(() => 'http://127.0.0.1:8401/workloads'));
    expect(actors).toHaveLength(6);
    expect([...targets.values()].map(({ address }) => address?.port)).toEqual([8433, 8433, undefined]);
    expect(readFileSync(file, 'utf8')).not.toMatch(/\b74\d\d\b/);
    startOn(7400);
    expect(readFileSync(file, 'utf8')).toBe(before);
  });

  it('gives each target the port of its own server, wherever its protocol stands', () => {
    const web = { login: 'demo', hostKey: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE1n+' };
    demoConfig(file, readSettings(['--port-base', '7400']), web);
    const portsOf = (config: ReturnType<typeof startOn>) =>
      Object.fromEntries([...config.targets.values()].map(({ name, address }) => [name, address?.port]));
    expect(portsOf(startOn(8400))).toEqual({
      'orders-db': 8433,
      'orders-prod': 8433,
      'sandbox-db': undefined,
      'web-1': 8423,
    });
    const text = readFileSync(file, 'utf8');
    writeFileSync(file, text.replace(/( *protocol: ssh\n)( *address: .*\n)/, '$2    # theirs\n\n$1'));
    expect(portsOf(startOn(7400))).toEqual({
      'orders-db': 7433,
      'orders-prod': 7433,
      'sandbox-db': undefined,
      'web-1': 7423,
    });
  });

  it('lets developers connect to the SSH server where there is one', () => {
    const web = { login: 'demo', hostKey: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE1n+' };
    const { rules } = demoConfig(file, readSettings([]), web);
    expect(rules.find(({ name }) => name === 'developers-work')?.targets).toEqual(['orders-db', 'web-1']);
  });

  it('leaves a line alone that somebody made their own', () => {
    startOn(7400);
    const mine = readFileSync(file, 'utf8').replace(
      'issuer: http://127.0.0.1:7401 # set by npm start',
      'issuer: https://id.example.com',
    );
    writeFileSync(file, mine);
    expect(startOn(8400).issuers[0]!.issuer).toBe('https://id.example.com');
  });

  it('of before, with one issuer, goes on, and is changed in its port alone', () => {
    writeFileSync(file, OF_BEFORE);
    expect(startOn(8400).issuers).toMatchObject([{ name: 'default', issuer: 'http://127.0.0.1:8401' }]);
    expect(readFileSync(file, 'utf8')).toBe(OF_BEFORE.replace('7401', '8401'));
  });
});
