/** What we take a request for, against what a real API server's audit log has of the very same. */
import { request } from 'node:https';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Call } from '#core/protocols/kubernetes/call.ts';
import { callOf } from '#core/protocols/kubernetes/request-info.ts';
import type { AuditEvent } from './support/audit.ts';
import { KubernetesBed } from './support/bed.ts';

const CORE = '/api/v1';
const IN = '/api/v1/namespaces/nope';
const APPS = '/apis/apps/v1/namespaces/nope';
const RBAC = '/apis/rbac.authorization.k8s.io/v1';

/** Nothing of it is there: what is asked for by any method changes nothing. */
const PLACES = [
  IN,
  `${IN}/status`,
  `${IN}/finalize`,
  `${IN}/pods`,
  `${IN}/pods/web-0`,
  `${IN}/pods/web-0/status`,
  `${IN}/pods/web-0/ephemeralcontainers`,
  `${IN}/pods/web-0/eviction`,
  `${IN}/pods/web-0/binding`,
  `${IN}/pods/web-0/log`,
  `${IN}/pods/web-0/exec?command=id&stdout=true`,
  `${IN}/pods/web-0/attach?stdout=true`,
  `${IN}/pods/web-0/portforward?ports=80`,
  `${IN}/pods/web-0/proxy`,
  `${IN}/pods/web-0/proxy/`,
  `${IN}/pods/http:web-0:80/proxy/a/b?watch=true&watch=false`,
  `${IN}/services/https:web:443/proxy/healthz`,
  `${IN}/configmaps`,
  `${IN}/configmaps/a.b-c`,
  `${IN}/secrets/s`,
  `${IN}/serviceaccounts/default/token`,
  `${IN}/bindings`,
  `${IN}/replicationcontrollers/a/scale`,
  `${APPS}/deployments`,
  `${APPS}/deployments/web`,
  `${APPS}/deployments/web/scale`,
  `${APPS}/deployments/web/status`,
  `${CORE}/nodes/nope`,
  `${CORE}/nodes/nope/proxy/metrics`,
  `${CORE}/persistentvolumes/nope/status`,
  `${RBAC}/clusterroles/nope:a`,
  `${RBAC}/clusterroles/nope%3Aa`,
  `${RBAC}/clusterroles/nope%40x`,
  '/apis/example.com/v1/namespaces/nope/widgets/w/status',
  '/apis/nobody.example.com/v1/things/x/y',
  '/apis/metrics.k8s.io/v1beta1/namespaces/nope/pods/web-0',
];
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'];

const READS = [
  `${CORE}/namespaces`,
  `${CORE}/pods`,
  `${CORE}/nodes`,
  `${CORE}/pods?limit=5`,
  `${CORE}/pods?watch=true`,
  `${CORE}/pods?watch=True`,
  `${CORE}/pods?watch=1`,
  `${CORE}/pods?watch=0`,
  `${CORE}/pods?watch=false`,
  `${CORE}/pods?watch=true&timeoutSeconds=1`,
  `${CORE}/pods?fieldSelector=metadata.name%3Dweb-0`,
  `${CORE}/pods?fieldSelector=metadata.name==web-0&watch=1`,
  `${CORE}/pods?fieldSelector=metadata.name!=web-0`,
  `${CORE}/pods?fieldSelector=metadata.name%3Dweb-0,status.phase%3DRunning`,
  `${CORE}/pods?fieldSelector=status.phase%3DRunning,metadata.name%3Dweb-0`,
  `${CORE}/pods?fieldSelector=spec.nodeName=node-1`,
  `${IN}/pods/web-0?watch=true`,
  `${IN}/pods/web-0?fieldSelector=metadata.name=other`,
  `${CORE}/watch/pods`,
  `${CORE}/watch/namespaces/nope/pods`,
  `${CORE}/watch/namespaces/nope/pods/web-0`,
  `${CORE}/watch/namespaces/nope`,
  `${CORE}/watch/nodes/nope`,
  '/apis/apps/v1/watch/namespaces/nope/deployments/web',
  '/apis/metrics.k8s.io/v1beta1/nodes',
  '/api/v1/namespaces/nope/namespaces',
  '/',
  '/api',
  '/api/',
  '/api/v1',
  '/api/v1/',
  '/apis',
  '/apis/apps',
  '/apis/apps/',
  '/apis/apps/v1',
  '/apis/apps/v1/',
  '/apis/nobody.example.com/v1',
  '/openapi/v2',
  '/openapi/v3/apis/apps/v1',
  '/version',
  '/version/',
  '/healthz',
  '/livez/ping',
  '/metrics',
  '/no/such/place',
];
const DELETIONS = [
  `${IN}/pods`,
  `${IN}/pods?fieldSelector=metadata.name=web-0`,
  `${APPS}/deployments?limit=1`,
];

const CORPUS = [
  ...PLACES.flatMap((target) => METHODS.map((method) => [method, target] as const)),
  ...READS.map((target) => ['GET', target] as const),
  ...READS.filter((target) => !target.includes('watch')).map((target) => ['HEAD', target] as const),
  ...DELETIONS.map((target) => ['DELETE', target] as const),
  ['POST', '/version'] as const,
  ['PUT', '/healthz'] as const,
  ['OPTIONS', '/version'] as const,
];

let bed: KubernetesBed;
let events: ReadonlyMap<string, AuditEvent>;

beforeAll(async () => {
  bed = await KubernetesBed.start();
  const { cert, key } = await bed.certificate('oracle', ['system:masters']);
  const ask = (method: string, path: string, agent: string): Promise<void> =>
    new Promise((done, failed) => {
      const headers = { 'User-Agent': agent, Connection: 'close' };
      const asked = request(
        bed.url,
        { method, path, ca: bed.ca, cert, key, agent: false, headers },
        (answer) => {
          // A watch goes on for ever.
          if (callOf(method, path).verb === 'watch') answer.destroy();
          else answer.resume();
          answer.once('close', done);
        },
      );
      asked.once('error', failed).end();
    });
  for (const [at, [method, target]] of CORPUS.entries()) await ask(method, target, `oracle/${at}`);
  await bed.audited('the last of them', ({ userAgent }) => userAgent === `oracle/${CORPUS.length - 1}`);
  const all = await bed.audit();
  events = new Map(all.map((event) => [event.userAgent ?? '', event]));
});
afterAll(async () => bed?.stop());

/** In the audit log's words. It has the method's own verb of exec and the like, whose GET we take for what RBAC has it for. */
function asAudited(method: string, call: Call): Partial<AuditEvent> {
  if (call.kind === 'path') return { verb: method.toLowerCase() };
  const { resource, subresource, namespace, name, group, version } = call;
  const starts = call.verb === 'create' && (method === 'GET' || method === 'HEAD');
  const verb = starts ? 'get' : call.verb;
  // Its handler selects by the field, and its authorizer does not look.
  const isTold = name !== '' && verb !== 'deletecollection';
  const objectRef = {
    resource,
    ...(namespace && { namespace }),
    ...(isTold && { name }),
    ...(group && { apiGroup: group }),
    apiVersion: version,
    ...(subresource && { subresource }),
  };
  return { verb, objectRef };
}

describe('the API server takes for the same', () => {
  it.each(CORPUS.map(([method, target], at) => [method, target, at] as const))(
    '%s %s',
    (method, target, at) => {
      const { verb, objectRef } = events.get(`oracle/${at}`)!;
      expect({ verb, ...(objectRef && { objectRef }) }).toEqual(asAudited(method, callOf(method, target)));
    },
  );
});
