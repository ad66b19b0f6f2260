import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CustodyError } from '#core/errors.ts';
import type { Call } from '#core/protocols/kubernetes/call.ts';
import { callOf } from '#core/protocols/kubernetes/request-info.ts';

/** As the audit log of an API server would name it, in one line. What is asked of a proxy stands as it came, and whoever reads it decodes it. */
function line(call: Call): string {
  if (call.kind === 'path') return `${call.verb} ${call.path}`;
  const { verb, group, version, resource, subresource, namespace, name, rest } = call;
  const what = [resource, subresource].filter((part) => part !== undefined).join('/');
  return `${verb} ${group === '' ? version : `${group}/${version}`} ${what} ${namespace}:${name}${rest === undefined ? '' : ` +${decodeURIComponent(rest)}`}`;
}

function tried(method: string, target: string): Call | CustodyError {
  try {
    return callOf(method, target);
  } catch (thrown) {
    if (thrown instanceof CustodyError && thrown.code === 'protocol-violation') return thrown;
    throw thrown;
  }
}

/** A URL is cleaned by whoever resolves it (WHATWG); a server may decode, trim, and clean once more. */
function lenient(target: string): string {
  const { pathname } = new URL(target, 'https://cluster');
  const parts = decodeURIComponent(pathname).split('/');
  return `/${parts.filter((one) => one !== '' && one !== '.').join('/')}`;
}

describe('a call of the Kubernetes API', () => {
  it.each([
    ['GET', '/api/v1/namespaces/dev/pods', 'list v1 pods dev:'],
    ['GET', '/api/v1/namespaces/dev/pods?limit=500', 'list v1 pods dev:'],
    ['GET', '/api/v1/pods', 'list v1 pods :'],
    ['HEAD', '/api/v1/namespaces/dev/pods/web-0', 'get v1 pods dev:web-0'],
    ['GET', '/api/v1/namespaces/dev/pods/web-0', 'get v1 pods dev:web-0'],
    ['GET', '/api/v1/namespaces/dev/pods?watch=true', 'watch v1 pods dev:'],
    ['GET', '/api/v1/namespaces/dev/pods?watch=True', 'watch v1 pods dev:'],
    ['GET', '/api/v1/namespaces/dev/pods?watch=1', 'watch v1 pods dev:'],
    ['GET', '/api/v1/namespaces/dev/pods?watch=0', 'list v1 pods dev:'],
    ['GET', '/api/v1/namespaces/dev/pods?watch=false', 'list v1 pods dev:'],
    ['GET', '/api/v1/watch/namespaces/dev/pods/web-0', 'watch v1 pods dev:web-0'],
    ['GET', '/api/v1/watch/pods', 'watch v1 pods :'],
    ['GET', '/api/v1/pods?fieldSelector=metadata.name%3Dweb-0', 'list v1 pods :web-0'],
    ['GET', '/api/v1/pods?fieldSelector=metadata.name==web-0,status.phase!=Failed', 'list v1 pods :web-0'],
    ['GET', '/api/v1/pods?fieldSelector=metadata.name!%3Dweb-0', 'list v1 pods :'],
    ['GET', '/api/v1/pods?fieldSelector=spec.nodeName=node-1', 'list v1 pods :'],
    ['DELETE', '/api/v1/namespaces/dev/pods', 'deletecollection v1 pods dev:'],
    ['DELETE', '/api/v1/namespaces/dev/pods?fieldSelector=metadata.name=x', 'deletecollection v1 pods dev:x'],
    ['DELETE', '/api/v1/namespaces/dev/pods/web-0', 'delete v1 pods dev:web-0'],
    ['POST', '/api/v1/namespaces/dev/pods', 'create v1 pods dev:'],
    ['POST', '/api/v1/namespaces/dev/pods?fieldSelector=metadata.name=x', 'create v1 pods dev:'],
    ['PUT', '/apis/apps/v1/namespaces/dev/deployments/web', 'update apps/v1 deployments dev:web'],
    [
      'PATCH',
      '/apis/apps/v1/namespaces/dev/deployments/web/scale',
      'patch apps/v1 deployments/scale dev:web',
    ],
    ['GET', '/api/v1/namespaces', 'list v1 namespaces :'],
    ['GET', '/api/v1/namespaces/dev', 'get v1 namespaces dev:dev'],
    ['PUT', '/api/v1/namespaces/dev/status', 'update v1 namespaces/status dev:dev'],
    ['PUT', '/api/v1/namespaces/dev/finalize', 'update v1 namespaces/finalize dev:dev'],
    ['GET', '/api/v1/namespaces/dev/namespaces', 'list v1 namespaces dev:'],
    [
      'GET',
      '/apis/rbac.authorization.k8s.io/v1/clusterroles/system:node',
      'get rbac.authorization.k8s.io/v1 clusterroles :system:node',
    ],
    [
      'GET',
      '/apis/rbac.authorization.k8s.io/v1/clusterroles/system%3Anode',
      'get rbac.authorization.k8s.io/v1 clusterroles :system:node',
    ],
    ['POST', '/api/v1/namespaces/dev/pods/web-0/exec?command=id', 'create v1 pods/exec dev:web-0'],
    ['GET', '/api/v1/namespaces/dev/pods/web-0/exec?command=id', 'create v1 pods/exec dev:web-0'],
    ['GET', '/api/v1/namespaces/dev/pods/web-0/attach', 'create v1 pods/attach dev:web-0'],
    ['GET', '/api/v1/namespaces/dev/pods/web-0/portforward', 'create v1 pods/portforward dev:web-0'],
    ['GET', '/api/v1/namespaces/dev/pods/web-0/log?follow=true', 'get v1 pods/log dev:web-0'],
    ['GET', '/api/v1/namespaces/dev/pods/web-0/proxy', 'get v1 pods/proxy dev:web-0'],
    [
      'GET',
      '/api/v1/namespaces/dev/services/https:web:443/proxy/',
      'get v1 services/proxy dev:https:web:443',
    ],
    [
      'POST',
      '/api/v1/nodes/node-1/proxy/run/dev/web-0/main?watch=x&watch=y',
      'create v1 nodes/proxy :node-1 +run/dev/web-0/main',
    ],
    [
      'GET',
      '/apis/custom.metrics.k8s.io/v1beta1/namespaces/dev/pods/%2A/http_requests',
      'get custom.metrics.k8s.io/v1beta1 pods/http_requests dev:*',
    ],
    ['GET', '/', 'get /'],
    ['GET', '/version', 'get /version'],
    ['GET', '/api', 'get /api'],
    ['GET', '/api/', 'get /api/'],
    ['GET', '/api/v1?timeout=32s', 'get /api/v1'],
    ['GET', '/apis/apps/v1', 'get /apis/apps/v1'],
    ['GET', '/apis/apps/v1/', 'get /apis/apps/v1/'],
    ['GET', '/openapi/v3/apis/apps/v1?hash=0A', 'get /openapi/v3/apis/apps/v1'],
    ['POST', '/healthz', 'post /healthz'],
    ['OPTIONS', '/version', 'options /version'],
  ])('%s %s is %s', (method, target, expected) => {
    expect(line(callOf(method, target))).toBe(expected);
  });

  it('keeps words of a command as they are meant', () => {
    const call = callOf(
      'GET',
      '/api/v1/namespaces/dev/pods/web-0/exec?command=sh&command=-c&command=echo+a%20%C3%A9%0Ab%2Bc',
    );
    expect(call.query.getAll('command')).toEqual(['sh', '-c', 'echo a é\nb+c']);
  });

  it.each([
    ['GET', 'api/v1/pods'],
    ['GET', ''],
    ['GET', '*'],
    ['GET', 'https://other/api/v1/pods'],
    ['GET', '//api/v1/pods'],
    ['GET', '/api//v1/pods'],
    ['GET', '/api/v1/pods//'],
    ['GET', '/api/v1/./pods'],
    ['GET', '/api/v1/namespaces/dev/../prod/pods'],
    ['GET', '/api/v1/namespaces/dev/%2e%2e/prod/pods'],
    ['GET', '/api/v1/namespaces/dev/.%2E/prod/pods'],
    ['GET', '/api/v1/namespaces/dev%2fpods'],
    ['GET', '/api/v1/namespaces/dev%2Fpods/web-0'],
    ['GET', '/api/v1/namespaces/dev/pods/web-0%2fexec'],
    ['GET', '/api/v1/namespaces/dev/pods/web-0%5cexec'],
    ['GET', '/api/v1/namespaces/dev/pods/web-0\\exec'],
    ['GET', '/api/v1/namespaces/dev/pods/web%2D0'],
    ['GET', '/api/v1/namespaces/dev/pods/%77eb-0'],
    ['GET', '/api/v1/namespaces/dev/pods/web-0/%65xec'],
    ['GET', '/api/v1/namespaces/dev/%70ods'],
    ['GET', '/%61pi/v1/pods'],
    ['GET', '/api/v1/namespaces/dev/pods/web-0%00'],
    ['GET', '/api/v1/namespaces/dev/pods/web-0%252fexec'],
    ['GET', '/api/v1/namespaces/dev/pods/web-0/exec?command=a%00b'],
    ['GET', '/api/v1/namespaces/dev/pods/web-0%0a'],
    ['GET', '/api/v1/namespaces/dev/pods/web-0%zz'],
    ['GET', '/api/v1/namespaces/dev/pods/web-0;x=1'],
    ['GET', '/api/v1/pods?a=1;watch=true'],
    ['GET', '/api/v1/pods#x'],
    ['GET', '/api/v1/pods?a=%'],
    ['GET', '/api/v1/pods?a=%ff'],
    ['GET', '/api/v1/pods?a=b c'],
    ['GET', '/api/v1/pods?a=é'],
    ['GET', '/api/v1/pods\t'],
    ['GET', '/api/v1/pods/'],
    ['GET', '/api/v1/namespaces/'],
    ['GET', '/API/v1/pods'],
    ['GET', '/Api/v1/pods'],
    ['GET', '/api/V1/pods'],
    ['GET', '/api/v1/Pods'],
    ['GET', '/api/v1/Namespaces/dev/pods'],
    ['GET', '/api/v1/namespaces/Dev/pods'],
    ['GET', '/api/v1/namespaces/d%3Aev/pods'],
    ['GET', '/api/v1/namespaces/a.b/pods'],
    ['GET', '/api/v1/namespaces/dev/pods/web-0/Exec'],
    ['GET', '/apis/Apps/v1/deployments'],
    ['GET', '/api/v1/namespaces/dev/pods/web-0/exec/more'],
    ['GET', '/api/v1/namespaces/dev/pods/web-0/log/more'],
    ['GET', '/api/v1/proxy/namespaces/dev/pods/web-0'],
    ['GET', '/api/v1/watch'],
    ['POST', '/api/v1/watch/pods'],
    ['GET', '/api/v1/pods?watch=true&watch=false'],
    ['GET', '/api/v1/pods?watch'],
    ['GET', '/api/v1/pods?watch=yes'],
    ['GET', '/api/v1/pods?Watch=true'],
    ['GET', '/api/v1/pods?fieldSelector=metadata.name=a&fieldSelector=metadata.name=b'],
    ['GET', '/api/v1/pods?fieldSelector=metadata.name=a,metadata.name=b'],
    ['GET', '/api/v1/pods?fieldSelector=metadata.name=a%5C,b'],
    ['GET', '/api/v1/pods?fieldSelector=metadata.name%20=a'],
    ['GET', '/api/v1/pods?fieldSelector=metadata.name='],
    ['GET', '/api/v1/pods?fieldSelector=metadata.name=..'],
    ['GET', '/api/v1/namespaces/dev/pods/web-0/exec?command=id&container=a&container=b'],
    ['GET', `/api/v1/namespaces/${'a'.repeat(64)}/pods`],
    ['GET', `/api/v1/pods/${'a'.repeat(254)}`],
    ['GET', `/version?${'a'.repeat(300_000)}`],
    ['get', '/api/v1/pods'],
    ['CONNECT', '/api/v1/pods'],
    ['TRACE', '/version'],
    ['OPTIONS', '/api/v1/pods'],
    ['GET ', '/api/v1/pods'],
    ['GET', '/version%2f'],
    ['GET', '/api/v1/nodes/n/proxy/%65xec/a/b/c'],
    ['GET', '/api/v1/nodes/n/proxy/a//b'],
    ['GET', '/api/v1/nodes/n/proxy/a/../b'],
    ['GET', '/api/v1/nodes/n/proxy/a%2f..%2fb'],
  ])('has no one reading: %s %s', (method, target) => {
    expect(tried(method, target)).toBeInstanceOf(CustodyError);
  });

  it('says what is wrong, and what to do', () => {
    expect(tried('GET', '/api//v1')).toHaveProperty(
      'message',
      "the request's path has two slashes, one behind the other, which can be read in two ways",
    );
  });

  const part = fc.constantFrom(
    ...[
      'api',
      'apis',
      'v1',
      'apps',
      'namespaces',
      'dev',
      'pods',
      'web-0',
      'exec',
      'proxy',
      'status',
      'watch',
    ],
    ...['.', '..', '', '%2e', '%2f', '%41', 'A', '%00', ';', 'a:b', '%3A', 'x_y', '\\', '%', 'é'],
  );
  const query = fc.constantFrom(
    '',
    '?',
    '?watch=1',
    '?watch=0',
    '?watch=1&watch=0',
    '?fieldSelector=metadata.name=a',
    '?a=%ff',
    '?a;b',
  );

  it('that passes has one reading: what a lenient server makes of its path is the same', () => {
    fc.assert(
      fc.property(fc.array(part, { maxLength: 9 }), query, (parts, behind) => {
        const target = `/${parts.join('/')}${behind}`;
        const call = tried('GET', target);
        if (call instanceof CustodyError) return;
        const [path = ''] = target.split('?');
        expect(new URL(target, 'https://cluster').pathname).toBe(path);
        if (call.kind === 'path') return;
        expect(line(callOf('GET', lenient(path) + target.slice(path.length)))).toBe(line(call));
      }),
      { numRuns: 3_000, examples: [[['api', 'v1', 'nodes', 'web-0', 'proxy', '%3A'], '']] },
    );
  });

  it('throws nothing but what it means to, whatever the text', () => {
    const text = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes).toString('latin1'));
    const front = fc.constantFrom('/', '/api/v1/', '/apis/a/v1/');
    const tries = fc.property(text, front, (behind, before) => void tried('GET', before + behind));
    expect(() => fc.assert(tries)).not.toThrow();
  });
});
