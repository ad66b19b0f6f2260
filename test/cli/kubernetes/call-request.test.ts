import { describe, expect, test } from 'vitest';
import { type RunnableCall, requestOf } from '#cli/kubernetes/call-request.ts';

const call = (more: object): RunnableCall => ({ verb: 'get', resource: 'pods', namespace: '', ...more });
const made = (more: object) => requestOf(call(more), async (group) => `v1-of-${group}`);

const JSON_TYPE = 'application/json';
const DEPLOYMENT = { apiVersion: 'apps/v1', kind: 'Deployment' };

describe('a call of a contract as a request', () => {
  test.each([
    [{ namespace: 'dev', name: 'web-0' }, 'GET', '/api/v1/namespaces/dev/pods/web-0'],
    [{ verb: 'list', namespace: 'dev' }, 'GET', '/api/v1/namespaces/dev/pods'],
    [{ verb: 'list', resource: 'nodes' }, 'GET', '/api/v1/nodes'],
    [
      { verb: 'list', namespace: 'dev', name: 'web-0', query: { labelSelector: 'app=web' } },
      'GET',
      '/api/v1/namespaces/dev/pods?labelSelector=app%3Dweb&fieldSelector=metadata.name%3Dweb-0',
    ],
    [
      { resource: 'deployments.apps', namespace: 'dev', name: 'web' },
      'GET',
      '/apis/apps/v1-of-apps/namespaces/dev/deployments/web',
    ],
    [
      { resource: 'certificates.cert-manager.io', namespace: 'dev', name: 'a b' },
      'GET',
      '/apis/cert-manager.io/v1-of-cert-manager.io/namespaces/dev/certificates/a%20b',
    ],
    [
      { resource: 'pods/log', namespace: 'dev', name: 'web-0' },
      'GET',
      '/api/v1/namespaces/dev/pods/web-0/log',
    ],
    [{ verb: 'delete', namespace: 'dev', name: 'web-0' }, 'DELETE', '/api/v1/namespaces/dev/pods/web-0'],
  ])('%j', async (given, method, path) => {
    expect(await made(given)).toEqual({ method, path, upgrades: false });
  });

  test('an object is made where it is named nowhere but in itself, and in the version that it says', async () => {
    const body = { ...DEPLOYMENT, metadata: { name: 'web' } };
    const given = { verb: 'create', resource: 'deployments.apps', namespace: 'dev', name: 'web', body };
    expect(await made(given)).toEqual({
      method: 'POST',
      path: '/apis/apps/v1/namespaces/dev/deployments',
      type: JSON_TYPE,
      body: JSON.stringify(body),
      upgrades: false,
    });
  });

  test('what is made of an object that is there is named by it', async () => {
    const body = { apiVersion: 'policy/v1', kind: 'Eviction' };
    const given = { verb: 'create', resource: 'pods/eviction', namespace: 'dev', name: 'web-0', body };
    expect((await made(given)).path).toBe('/api/v1/namespaces/dev/pods/web-0/eviction');
    const scale = {
      verb: 'update',
      resource: 'deployments.apps/scale',
      namespace: 'dev',
      name: 'web',
      body: { apiVersion: 'autoscaling/v1' },
    };
    expect(await made(scale)).toMatchObject({
      method: 'PUT',
      path: '/apis/apps/v1-of-apps/namespaces/dev/deployments/web/scale',
    });
  });

  test.each([
    [{ resource: 'deployments.apps', body: { spec: {} } }, 'application/strategic-merge-patch+json'],
    [
      { resource: 'ingresses.networking.k8s.io', body: { spec: {} } },
      'application/strategic-merge-patch+json',
    ],
    [{ resource: 'widgets.example.com', body: { spec: {} } }, 'application/merge-patch+json'],
    [
      { resource: 'widgets.example.com', body: [{ op: 'remove', path: '/spec' }] },
      'application/json-patch+json',
    ],
    [{ resource: 'configmaps', body: {}, query: { patch: 'apply' } }, 'application/apply-patch+yaml'],
  ])('a patch of %j says of what kind it is', async (given, type) => {
    expect(await made({ verb: 'patch', namespace: 'dev', name: 'web', ...given })).toMatchObject({
      method: 'PATCH',
      type,
    });
  });

  test('an apply says who it is, and nothing of how it is written in a contract', async () => {
    const given = {
      verb: 'patch',
      resource: 'configmaps',
      namespace: 'dev',
      name: 'a',
      body: {},
      query: { patch: 'apply', force: 'true' },
    };
    expect((await made(given)).path).toBe(
      '/api/v1/namespaces/dev/configmaps/a?force=true&fieldManager=custody',
    );
  });

  test('a command goes by an upgrade, with each of its words', async () => {
    const given = {
      verb: 'create',
      resource: 'pods/exec',
      namespace: 'dev',
      name: 'web-0',
      query: { container: 'main' },
      command: ['sh', '-c', 'a & b'],
    };
    expect(await made(given)).toEqual({
      method: 'GET',
      path: '/api/v1/namespaces/dev/pods/web-0/exec?container=main&stdout=true&stderr=true&command=sh&command=-c&command=a+%26+b',
      upgrades: true,
    });
  });

  test('options of a deletion are an object of their own', async () => {
    const given = { verb: 'delete', namespace: 'dev', name: 'web-0', body: { propagationPolicy: 'Orphan' } };
    expect(JSON.parse((await made(given)).body!)).toEqual({
      kind: 'DeleteOptions',
      apiVersion: 'v1',
      propagationPolicy: 'Orphan',
    });
  });

  test('a watch is none', async () => {
    await expect(made({ verb: 'watch' })).rejects.toThrow('a watch has no end');
  });
});
