import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Verdict } from '#core/protocols/kubernetes/judge.ts';
import { callOf } from '#core/protocols/kubernetes/request-info.ts';
import { judgeByRule } from '#core/protocols/kubernetes/rules/rule-judge.ts';
import { partOf } from '../permission.ts';

const DEV = '/api/v1/namespaces/dev';
const APPS = '/apis/apps/v1/namespaces';

/** `passes`, `refused`, or what the body made of it behind `body:`. */
function judged(
  part: unknown,
  method: string,
  target: string,
  body?: unknown,
  type = 'application/json',
): string {
  const rule = { name: 'devs', kubernetes: partOf(part) };
  const verdict = judgeByRule(rule, callOf(method, target));
  if (verdict.kind !== 'wants-body') return verdict.kind;
  const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body ?? {}));
  const then = verdict.judge({ bytes, type, encoding: undefined }) as Verdict;
  return `body: ${then.kind}`;
}

const allows = (pattern: object, method: string, target: string, body?: unknown): string =>
  judged({ calls: [pattern] }, method, target, body);
const denies = (pattern: object, method: string, target: string, body?: unknown): string =>
  judged({ deny: [pattern] }, method, target, body);

const pod = (spec: object, name = 'web-9'): object => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name },
  spec,
});
const container = (more: object = {}): object => ({ containers: [{ name: 'main', image: 'x', ...more }] });

describe('a rule of Kubernetes', () => {
  it('lets everything pass where it says nothing', () => {
    expect(judgeByRule({ name: 'devs' }, callOf('DELETE', `${DEV}/pods`))).toEqual({ kind: 'passes' });
  });

  it('says which call it does not let pass, and by which rule', () => {
    const rule = { name: 'devs', kubernetes: partOf({ deny: [{ resources: ['pods/exec'] }] }) };
    expect(judgeByRule(rule, callOf('POST', `${DEV}/pods/web-0/exec?command=id`))).toMatchObject({
      error: {
        code: 'access-denied',
        message: 'create pods/exec dev/web-0 is forbidden: the rule "devs" denies it',
      },
    });
  });

  it.each([
    ['get', 'GET', `${DEV}/pods/web-0`],
    ['list', 'GET', `${DEV}/pods`],
    ['watch', 'GET', `${DEV}/pods?watch=1`],
    ['create', 'POST', `${DEV}/pods`],
    ['create', 'GET', `${DEV}/pods/web-0/exec`],
    ['update', 'PUT', `${DEV}/pods/web-0`],
    ['patch', 'PATCH', `${DEV}/pods/web-0`],
    ['delete', 'DELETE', `${DEV}/pods/web-0`],
    ['deletecollection', 'DELETE', `${DEV}/pods`],
  ])('tells the verb %s of %s %s from all others', (verb, method, target) => {
    const all = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete', 'deletecollection'];
    expect(all.filter((one) => allows({ verbs: [one] }, method, target) === 'passes')).toEqual([verb]);
    const isRead = ['get', 'list', 'watch'].includes(verb);
    expect(allows({ verbs: ['read'] }, method, target)).toBe(isRead ? 'passes' : 'refused');
    expect(allows({ verbs: ['write'] }, method, target)).toBe(isRead ? 'refused' : 'passes');
    expect(allows({ verbs: ['*'] }, method, target)).toBe('passes');
  });

  it.each([
    ['pods', `${DEV}/pods/web-0`, true],
    ['pods', `${DEV}/pods/web-0/log`, false],
    ['pods', '/apis/metrics.k8s.io/v1beta1/namespaces/dev/pods/web-0', false],
    ['pods.metrics.k8s.io', '/apis/metrics.k8s.io/v1beta1/namespaces/dev/pods/web-0', true],
    ['pods.*', '/apis/metrics.k8s.io/v1beta1/namespaces/dev/pods/web-0', true],
    ['pods/log', `${DEV}/pods/web-0/log`, true],
    ['pods/*', `${DEV}/pods/web-0/log`, true],
    ['pods/*', `${DEV}/pods/web-0`, false],
    ['pods/log', `${DEV}/pods/web-0/status`, false],
    ['*/log', `${DEV}/pods/web-0/log`, true],
    ['*/log', `${DEV}/pods/web-0`, false],
    ['deployments', `${APPS}/dev/deployments/web`, false],
    ['deployments.apps', `${APPS}/dev/deployments/web`, true],
    ['deployments.extensions', `${APPS}/dev/deployments/web`, false],
    ['*.apps', `${APPS}/dev/deployments/web/scale`, true],
    ['*.apps', `${DEV}/pods/web-0`, false],
    ['*', `${APPS}/dev/deployments/web/scale`, true],
    ['services', `${DEV}/pods/web-0`, false],
  ])('%s has %s: %s', (resource, target, has) => {
    expect(allows({ resources: [resource] }, 'GET', target)).toBe(has ? 'passes' : 'refused');
    expect(denies({ resources: [resource] }, 'GET', target)).toBe(has ? 'refused' : 'passes');
  });

  it.each([
    [['dev'], `${DEV}/pods`, 'passes'],
    [['dev-*'], '/api/v1/namespaces/dev-1/pods', 'passes'],
    [['dev-*'], `${DEV}/pods`, 'refused'],
    [['dev'], '/api/v1/pods', 'refused'],
    [['dev'], '/api/v1/nodes', 'refused'],
    [['*'], '/api/v1/nodes', 'passes'],
    [[''], '/api/v1/nodes', 'passes'],
    [[''], `${DEV}/pods`, 'refused'],
    [['dev'], DEV, 'passes'],
  ])('for namespaces %j %s %s', (namespaces, target, expected) => {
    expect(allows({ namespaces }, 'GET', target)).toBe(expected);
  });

  it('forbids what might reach a namespace that it names', () => {
    const deny = { namespaces: ['kube-system'], resources: ['*'] };
    expect(denies(deny, 'GET', '/api/v1/pods')).toBe('refused');
    expect(denies(deny, 'GET', '/api/v1/namespaces/kube-system/pods/x')).toBe('refused');
    expect(denies(deny, 'GET', '/api/v1/nodes')).toBe('passes');
    expect(denies(deny, 'GET', '/apis/rbac.authorization.k8s.io/v1/clusterroles')).toBe('passes');
    expect(denies(deny, 'GET', '/api/v1/nodes/n')).toBe('passes');
    expect(denies(deny, 'GET', `${DEV}/pods`)).toBe('passes');
  });

  it.each([
    ['GET', `${DEV}/pods/web-0`, 'passes', 'refused'],
    ['GET', `${DEV}/pods/db-0`, 'refused', 'passes'],
    ['GET', `${DEV}/pods`, 'refused', 'refused'],
    ['GET', `${DEV}/pods?watch=true`, 'refused', 'refused'],
    ['GET', `${DEV}/pods?fieldSelector=metadata.name=web-1`, 'passes', 'refused'],
    ['GET', `${DEV}/pods?fieldSelector=metadata.name=db-1`, 'refused', 'passes'],
    ['GET', `${DEV}/pods?fieldSelector=metadata.name!=db-1`, 'refused', 'refused'],
    ['DELETE', `${DEV}/pods`, 'refused', 'refused'],
    ['DELETE', `${DEV}/pods/web-0`, 'passes', 'refused'],
    ['GET', `${DEV}/services/https:web-1:443/proxy/`, 'passes', 'refused'],
    ['GET', `${DEV}/services/web-1:443/proxy/`, 'passes', 'refused'],
    ['GET', `${DEV}/services/https:db:443/proxy/web-1`, 'refused', 'passes'],
    ['GET', '/version/x', 'refused', 'passes'],
  ])('security case 14: names web-*, %s %s: %s, and forbidden %s', (method, target, allowed, denied) => {
    expect(allows({ names: ['web-*'] }, method, target)).toBe(allowed);
    expect(denies({ names: ['web-*'] }, method, target)).toBe(denied);
  });

  it.each([
    [{ metadata: { name: 'web-1' } }, 'passes', 'refused'],
    [{ metadata: { name: 'db' } }, 'refused', 'passes'],
    [{ metadata: { generateName: 'web-' } }, 'passes', 'refused'],
    [{ metadata: { generateName: 'we' } }, 'refused', 'refused'],
    [{ metadata: { generateName: 'db-' } }, 'refused', 'passes'],
    [{ metadata: { generateName: `web-${'a'.repeat(55)}` } }, 'refused', 'refused'],
    [{ metadata: {} }, 'refused', 'passes'],
    ['no json', 'refused', 'refused'],
    ['{"metadata":{"name":"db","name":"web-1"}}', 'refused', 'refused'],
  ])('looks for the name of what is created in its body: %j', (body, allowed, denied) => {
    const target = `${DEV}/configmaps`;
    expect(allows({ names: ['web-*'] }, 'POST', target, body)).toBe(`body: ${allowed}`);
    expect(denies({ names: ['web-*'] }, 'POST', target, body)).toBe(`body: ${denied}`);
  });

  it.each(['web-*g', 'web-*z', 'web-?????', 'web-bcdfg'])('a made name does not surely fit %s', (names) => {
    const body = { metadata: { generateName: 'web-' } };
    expect(allows({ names: [names] }, 'POST', `${DEV}/pods`, body)).toBe('body: refused');
  });

  it('a made name surely fits, or does not', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b', 'z', '-'), maxLength: 4 });
    const pattern = fc
      .array(fc.oneof(letters, fc.constant('*')), { maxLength: 4 })
      .map((parts) => parts.join(''));
    const suffix = fc.string({
      unit: fc.constantFrom(...Array.from('bcdfghjklmnpqrstvwxz2456789')),
      minLength: 5,
      maxLength: 5,
    });
    fc.assert(
      fc.property(
        pattern.filter((one) => one !== ''),
        letters,
        suffix,
        (names, generateName, end) => {
          const of = (metadata: object): string =>
            allows({ names: [names] }, 'POST', `${DEV}/pods`, { metadata });
          fc.pre(generateName !== '' && of({ generateName }) === 'body: passes');
          expect(of({ name: generateName + end })).toBe('body: passes');
        },
      ),
    );
  });

  it.each([
    [['sh', '-c', 'id'], 'command=sh&command=-c&command=id', 'passes'],
    [['sh', '-c', 'id'], 'command=sh&command=-c&command=id&command=x', 'refused'],
    [['sh', '**'], 'command=sh&command=-c&command=rm+-rf', 'passes'],
    [['sh', '**'], 'command=sh', 'passes'],
    [['sh', '**'], 'command=bash', 'refused'],
    [['ls', '/srv/*'], 'command=ls&command=/srv/a', 'passes'],
    [['ls', '/srv/*'], 'command=ls&command=/srv/a/b', 'refused'],
    [['**'], '', 'refused'],
  ])('of exec, %j has %s: %s', (command, query, expected) => {
    const target = `${DEV}/pods/web-0/exec?container=main&${query}`;
    expect(allows({ commands: [command] }, 'GET', target)).toBe(expected);
    expect(allows({ commands: [command] }, 'POST', target)).toBe(expected);
  });

  it('a rule for commands has nothing else that runs or reaches', () => {
    const calls = { commands: [['**']] };
    expect(allows(calls, 'GET', `${DEV}/pods/web-0/attach`)).toBe('refused');
    expect(allows(calls, 'GET', `${DEV}/pods/web-0/portforward`)).toBe('refused');
    expect(allows(calls, 'POST', '/api/v1/nodes/n/proxy/run/dev/web-0/main?cmd=id')).toBe('refused');
    expect(allows(calls, 'GET', `${DEV}/pods`)).toBe('refused');
  });

  it.each([
    [{ spec: { ephemeralContainers: [{ name: 'd', command: ['sh'] }] } }, 'passes'],
    [{ spec: { ephemeralContainers: [{ name: 'd', command: ['bash'] }] } }, 'refused'],
    [{ spec: { ephemeralContainers: [{ name: 'd' }] } }, 'refused'],
    [
      {
        spec: {
          ephemeralContainers: [
            { name: 'd', command: ['sh'] },
            { name: 'e', command: ['bash'] },
          ],
        },
      },
      'refused',
    ],
  ])('security case 4: kubectl debug runs no command that exec may not: %j', (patch, expected) => {
    const target = `${DEV}/pods/web-0/ephemeralcontainers`;
    const type = 'application/strategic-merge-patch+json';
    expect(judged({ calls: [{ commands: [['sh']] }] }, 'PATCH', target, patch, type)).toBe(
      `body: ${expected}`,
    );
  });

  it.each([
    ['privileged', pod(container({ securityContext: { privileged: true } }))],
    ['capabilities', pod(container({ securityContext: { capabilities: { add: ['SYS_ADMIN'] } } }))],
    ['the host’s processes', pod({ ...container(), hostPID: true })],
    ['the host’s network', pod({ ...container(), hostNetwork: true })],
    ['the host’s files', pod({ ...container(), volumes: [{ name: 'h', hostPath: { path: '/' } }] })],
    ['a node of its choice', pod({ ...container(), nodeName: 'node-1' })],
    [
      'a template',
      {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        spec: { template: { spec: { ...container(), hostPID: true } } },
      },
    ],
    ['no body that can be read', '{'],
  ])('privileged: a pod with %s reaches its node', (_, body) => {
    expect(denies({ privileged: true }, 'POST', `${DEV}/pods`, body)).toBe('body: refused');
    expect(allows({ privileged: false }, 'POST', `${DEV}/pods`, body)).toBe('body: refused');
  });

  it('privileged: others do not, and neither does what brings no pod', () => {
    const plain = pod(container({ command: ['sh'] }));
    expect(denies({ privileged: true }, 'POST', `${DEV}/pods`, plain)).toBe('body: passes');
    expect(allows({ privileged: false }, 'POST', `${DEV}/pods`, plain)).toBe('body: passes');
    expect(allows({ privileged: false }, 'GET', `${DEV}/pods`)).toBe('passes');
    expect(denies({ privileged: true }, 'POST', `${DEV}/pods/web-0/exec?command=id`)).toBe('passes');
    expect(
      denies({ privileged: true }, 'PUT', `${DEV}/pods/web-0`, pod({ ...container(), nodeName: 'n' })),
    ).toBe('body: passes');
    expect(denies({ privileged: true }, 'GET', '/api/v1/nodes/n/proxy/metrics')).toBe('refused');
  });

  it.each([
    ['exec/dev/web-0/main?command=id', 'pods/exec', 'refused'],
    ['run/dev/web-0/main?cmd=id', 'pods/exec', 'refused'],
    ['attach/dev/web-0/main', 'pods/attach', 'refused'],
    ['portForward/dev/web-0', 'pods/portforward', 'refused'],
    ['containerLogs/dev/web-0/main', 'pods/log', 'refused'],
    ['metrics', 'pods/exec', 'passes'],
    ['run/prod/web-0/main?cmd=id', 'pods/exec', 'passes'],
  ])('security case 4: by the proxy of a node, %s is %s: %s', (rest, resource, expected) => {
    const deny = { resources: [resource], namespaces: ['dev'] };
    expect(denies(deny, 'POST', `/api/v1/nodes/node-1/proxy/${rest}`)).toBe(expected);
  });

  it('security case 4: a command that is forbidden is so by the kubelet’s own paths', () => {
    const deny = { commands: [['rm', '**']] };
    expect(denies(deny, 'POST', '/api/v1/nodes/n/proxy/run/dev/web-0/main?cmd=rm+-rf+/')).toBe('refused');
    expect(denies(deny, 'POST', '/api/v1/nodes/n/proxy/run/dev/web-0/main?cmd=ls')).toBe('passes');
  });

  it('forbids the objects, by whatever verb they are had', () => {
    const deny = { verbs: ['get', 'delete'], resources: ['secrets'], namespaces: ['dev'] };
    expect(denies(deny, 'GET', `${DEV}/secrets`)).toBe('refused');
    expect(denies(deny, 'GET', `${DEV}/secrets?watch=1`)).toBe('refused');
    expect(denies(deny, 'DELETE', `${DEV}/secrets`)).toBe('refused');
    expect(denies(deny, 'POST', `${DEV}/secrets`)).toBe('passes');
    expect(denies({ verbs: ['list'], resources: ['secrets'] }, 'GET', `${DEV}/secrets/a`)).toBe('passes');
  });

  it('forbids over what it lets pass, and lets one of many patterns be enough', () => {
    const part = {
      calls: [{ namespaces: ['prod'] }, { namespaces: ['dev'] }],
      deny: [{ resources: ['secrets'] }],
    };
    expect(judged(part, 'GET', `${DEV}/pods`)).toBe('passes');
    expect(judged(part, 'GET', `${DEV}/secrets`)).toBe('refused');
    expect(judged(part, 'GET', '/api/v1/namespaces/test/pods')).toBe('refused');
  });

  it.each([
    '/api',
    '/api/',
    '/apis',
    '/api/v1',
    '/apis/apps',
    '/apis/apps/v1',
    '/apis/apps/v1/',
    '/openapi/v2',
    '/openapi/v3/apis/apps/v1',
    '/version',
  ])('lets clients read what there is: %s', (path) => {
    expect(allows({ resources: ['pods'] }, 'GET', path)).toBe('passes');
    expect(allows({ resources: ['pods'] }, 'POST', path)).toBe('refused');
  });

  it.each([
    [{ paths: ['/metrics'] }, '/metrics', 'passes'],
    [{ paths: ['/metrics'] }, '/metrics/', 'passes'],
    [{ paths: ['/metrics'] }, '/metrics/x', 'refused'],
    [{ paths: ['/logs/**'] }, '/logs/a/b', 'passes'],
    [{ paths: ['/**'] }, `${DEV}/pods`, 'refused'],
    [{ verbs: ['read'] }, '/metrics', 'passes'],
    [{ namespaces: ['**'] }, '/metrics', 'refused'],
    [{ resources: ['*'] }, '/metrics', 'refused'],
    [{ privileged: false }, '/metrics', 'refused'],
  ])('%j has the path %s: %s', (pattern, path, expected) => {
    expect(allows(pattern, 'GET', path)).toBe(expected);
  });

  it('discovery, too, may be forbidden', () => {
    expect(denies({ paths: ['/openapi/**'] }, 'GET', '/openapi/v3')).toBe('refused');
  });
});
