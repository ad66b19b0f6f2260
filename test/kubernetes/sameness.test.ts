/** An answer through the gateway is the API server's: its status, its headers, its bytes, over HTTP/1.1 and HTTP/2. */
import { once } from 'node:events';
import { connect } from 'node:tls';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ApiCredentials } from './support/api.ts';
import { KubernetesBed } from './support/bed.ts';
import { type Answered, type Ask, askHttp1, askHttp2 } from './support/exchanges.ts';
import { KubernetesGateway } from './support/gateway.ts';

let bed: KubernetesBed;
let gateway: KubernetesGateway;
let through: ApiCredentials;

beforeAll(async () => {
  bed = await KubernetesBed.start();
  gateway = await KubernetesGateway.start(bed);
  through = await gateway.credentials({ groups: ['developers', 'admins'] });
  const large = { metadata: { name: 'large' }, data: { value: 'x'.repeat(200_000) } };
  await bed.api.post('/api/v1/namespaces/dev/configmaps', large);
  const many = Array.from({ length: 20 }, async (_, at) =>
    bed.api.post('/api/v1/namespaces/dev/configmaps', {
      metadata: { name: `many-${at}`, labels: { of: 'many' } },
    }),
  );
  await Promise.all(many);
  // Nobody has counted what it protects, so evictions are put off: 429.
  await bed.api.post('/apis/policy/v1/namespaces/dev/poddisruptionbudgets', {
    metadata: { name: 'web' },
    spec: { minAvailable: 1, selector: { matchLabels: { app: 'web' } } },
  });
});
afterAll(async () => {
  await gateway?.stop();
  await bed?.stop();
});

const DEV = '/api/v1/namespaces/dev';
const JSON_BODY = { 'content-type': 'application/json' };
const AGGREGATED = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json';
const config = (data: object, more: object = {}) =>
  JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'large', ...more }, data });
/** Nothing that is written stays written. */
const DRY = 'dryRun=All';

const ASKS: Readonly<Record<string, Ask>> = {
  version: { path: '/version' },
  health: { path: '/healthz?verbose' },
  'the old discovery': { path: '/api/v1' },
  'aggregated discovery': { path: '/apis', headers: { accept: AGGREGATED } },
  'OpenAPI v2 as protobuf': {
    path: '/openapi/v2',
    headers: { accept: 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf' },
  },
  'OpenAPI v3': { path: '/openapi/v3' },
  'OpenAPI v3 of a group, compressed': {
    path: '/openapi/v3/apis/apps/v1',
    headers: { 'accept-encoding': 'gzip' },
  },
  'an object': { path: `${DEV}/pods/web-0` },
  'an object as protobuf': {
    path: `${DEV}/configmaps/large`,
    headers: { accept: 'application/vnd.kubernetes.protobuf' },
  },
  'an object as CBOR': { path: `${DEV}/configmaps/large`, headers: { accept: 'application/cbor' } },
  'an object as YAML': { path: `${DEV}/configmaps/large`, headers: { accept: 'application/yaml' } },
  'a table': {
    path: `${DEV}/configmaps?labelSelector=of%3Dmany`,
    headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json' },
  },
  'a chunk of a list': { path: `${DEV}/configmaps?labelSelector=of%3Dmany&limit=7&resourceVersion=0` },
  'a compressed list': { path: `${DEV}/configmaps`, headers: { 'accept-encoding': 'gzip' } },
  'an aggregated API': { path: '/apis/metrics.k8s.io/v1beta1' },
  'a custom resource': { path: '/apis/example.com/v1/namespaces/dev/widgets' },
  'a watch that ends': {
    path: `${DEV}/configmaps?watch=true&labelSelector=of%3Dmany&timeoutSeconds=1&resourceVersion=0`,
  },
  'the head of an object': { method: 'HEAD', path: `${DEV}/pods/web-0` },
  'logs of a container that says nothing': { path: `${DEV}/pods/echo-0/log` },
  'what there is not': { path: `${DEV}/pods/nothing` },
  'a path of nothing': { path: '/nothing/at/all' },
  'a method that it does not take': { method: 'PUT', path: `${DEV}/pods` },
  'a form that it does not write': { path: `${DEV}/pods/web-0`, headers: { accept: 'text/csv' } },
  'a form that it does not read': {
    method: 'POST',
    path: `${DEV}/configmaps?${DRY}`,
    headers: { 'content-type': 'text/csv' },
    body: 'a,b',
  },
  'JSON that is none': {
    method: 'POST',
    path: `${DEV}/configmaps?${DRY}`,
    headers: JSON_BODY,
    body: '{"a":',
  },
  'an object that is there already': {
    method: 'POST',
    path: `${DEV}/configmaps?${DRY}`,
    headers: JSON_BODY,
    body: config({}),
  },
  'a conflict': {
    method: 'PUT',
    path: `${DEV}/configmaps/large?${DRY}`,
    headers: JSON_BODY,
    body: config({}, { resourceVersion: '1' }),
  },
  'an object that is not valid': {
    method: 'POST',
    path: `${DEV}/configmaps?${DRY}`,
    headers: JSON_BODY,
    body: config({}, { name: 'Not Valid' }),
  },
  'an eviction that is put off': {
    method: 'POST',
    path: `${DEV}/pods/web-0/eviction?${DRY}`,
    headers: JSON_BODY,
    body: JSON.stringify({ apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'web-0' } }),
  },
  'a large patch': {
    method: 'PATCH',
    path: `${DEV}/configmaps/large?${DRY}`,
    headers: { 'content-type': 'application/merge-patch+json' },
    body: JSON.stringify({ data: { value: 'y'.repeat(700_000) } }),
  },
  'an apply': {
    method: 'PATCH',
    path: `${DEV}/configmaps/large?${DRY}&fieldManager=sameness&force=true`,
    headers: { 'content-type': 'application/apply-patch+yaml' },
    body: config({ applied: 'yes' }),
  },
  'more than it takes': {
    method: 'POST',
    path: `${DEV}/configmaps?${DRY}`,
    headers: JSON_BODY,
    body: config({ value: 'z'.repeat(4_000_000) }),
  },
  'a delete with options': {
    method: 'DELETE',
    path: `${DEV}/configmaps/large`,
    headers: JSON_BODY,
    body: JSON.stringify({ dryRun: ['All'], preconditions: { uid: 'another' } }),
  },
  'a rule of the cluster that forbids it': { path: '/api/v1/namespaces/kube-system/secrets' },
};

describe.each([
  ['HTTP/1.1', askHttp1],
  ['HTTP/2', askHttp2],
])('over %s', (_, ask) => {
  test.each(Object.entries(ASKS))('%s', async (_name, asked) => {
    const headers = { ...asked.headers, ...asDana() };
    const direct = () => ask({ url: bed.url, ca: bed.ca }, { ...asked, headers });
    const before = comparable(await direct());
    const authorization = `Bearer ${through.token}`;
    const passed = await ask(through, {
      ...asked,
      path: gateway.path(asked.path),
      headers: { ...asked.headers, authorization },
    });
    // Between two questions the API server may write what it serves anew, as its OpenAPI documents.
    const isAsBefore = isDeepStrictEqual(comparable(passed), before);
    expect(comparable(passed)).toEqual(isAsBefore ? before : comparable(await direct()));
  });
});

/** It ends the gateway, and is the last. */
test('a client that does not close its connection does not keep the gateway from ending', async () => {
  const { hostname, port } = new URL(through.url);
  const client = connect({
    ...{ host: hostname, port: Number(port), ca: through.ca, servername: 'localhost' },
    ...{ allowHalfOpen: true, rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] },
  });
  client.on('error', () => undefined);
  await once(client, 'secureConnect');
  const head = `GET ${gateway.path('/version')} HTTP/1.1\r\nhost: localhost\r\n`;
  client.write(`${head}authorization: Bearer ${through.token}\r\n\r\n`);
  await once(client, 'data');
  await expect(gateway.end()).resolves.toBeUndefined();
  client.destroy();
});

/** The same person as the gateway impersonates, without it. */
function asDana(): Record<string, string> {
  const groups = ['custody:developers', 'custody:admins'];
  return {
    authorization: `Bearer ${bed.gatewayToken}`,
    'impersonate-user': 'dana@example.com',
    'impersonate-group': groups as unknown as string,
  };
}

/** What is another with each request: its time, its id, and what is of one connection. */
function comparable({ status, headers, body }: Answered) {
  const others = Object.entries(headers).filter(([name]) => !OF_ONE.has(name));
  // The API server writes CBOR's maps in another order each time.
  const bytes = headers['content-type'] === 'application/cbor' ? body.toSorted() : body;
  const text = Buffer.from(bytes)
    .toString('latin1')
    .replaceAll(/"time": ?"[^"]+"|\d{4}-\d\d-\d\dT[\d:]+Z/g, 'a time');
  return { status, headers: Object.fromEntries(others), body: text };
}
const OF_ONE = new Set([
  'audit-id',
  'date',
  'connection',
  'keep-alive',
  'transfer-encoding',
  'content-length',
]);
