import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { podFacts } from '#core/protocols/kubernetes/bodies/facts.ts';
import { gunzip } from '#core/protocols/kubernetes/bodies/gunzip.ts';
import { readBody } from '#core/protocols/kubernetes/bodies/read.ts';
import { type BodyValue, isList, isObject } from '#core/protocols/kubernetes/bodies/value.ts';
import { withholdingFor } from '#core/protocols/kubernetes/bodies/withhold.ts';
import type { Call, Verb } from '#core/protocols/kubernetes/call.ts';
import type { Withheld } from '#core/protocols/kubernetes/tape.ts';
import { field } from '#test/core/protocols/kubernetes/bodies/protobuf-writer.ts';
import { KubernetesBed } from './support/bed.ts';
import { type RawAnswer, RawApi, type RawCall } from './support/raw-api.ts';

const PROTOBUF = 'application/vnd.kubernetes.protobuf';
const MARKER = 'MARKER-of-a-secret-0123456789';

let bed: KubernetesBed;
let api: RawApi;

beforeAll(async () => {
  bed = await KubernetesBed.start({ audit: false });
  api = await RawApi.of(bed);
  const made = await bed.kubectl('1.37', ['apply', '-n', 'dev', '-f', '-'], { input: OBJECTS });
  if (made.code !== 0) throw new Error(made.stderr);
});
afterAll(async () => {
  api?.close();
  await bed?.stop();
});

const read = ({ bytes, type, encoding }: RawAnswer) => readBody(bytes, type, encoding, gunzip);

async function good(path: string, call: RawCall = {}): Promise<RawAnswer> {
  const answer = await api.call(path, call);
  if (answer.status >= 300) throw new Error(`${path}: ${answer.status} ${answer.bytes.toString()}`);
  return answer;
}

function valueOf(answer: RawAnswer): BodyValue {
  const body = read(answer);
  if (body.kind === 'unreadable') throw new Error(`the body ${body.why}`);
  expect(body.unknown).toEqual([]);
  return body.value;
}

/** Of an empty list or time some fields say null in JSON, where protobuf has nothing at all. */
function withoutNothing(value: BodyValue): BodyValue {
  if (isList(value)) return value.map(withoutNothing);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .map(([name, one]) => [name, withoutNothing(one)] as const)
      .filter(([, one]) => one !== null && !(isList(one) && one.length === 0)),
  );
}

interface Discovered {
  readonly resources: readonly { readonly name: string; readonly verbs: readonly string[] }[];
}

/** Where there are lists of all resources that the server has. */
async function listPaths(): Promise<readonly string[]> {
  const { groups } = await bed.api.get<{ groups: { versions: { groupVersion: string }[] }[] }>('/apis');
  const versions = groups.flatMap(({ versions: all }) =>
    all.map(({ groupVersion }) => `/apis/${groupVersion}`),
  );
  const paths: string[] = [];
  for (const base of ['/api/v1', ...versions]) {
    const { resources } = await bed.api.get<Discovered>(base);
    for (const { name, verbs } of resources)
      if (verbs.includes('list') && !name.includes('/')) paths.push(`${base}/${name}`);
  }
  return paths;
}

describe('the same objects in all forms', () => {
  test('of every resource that the server has', async () => {
    const seen = { paths: 0, items: 0, protobuf: 0, cbor: 0 };
    for (const path of await listPaths()) {
      const json = valueOf(await good(path, { accept: 'application/json' }));
      const { items } = json as { items: BodyValue[] };
      // What changes by the second has no same answer twice.
      if (
        path.endsWith('/componentstatuses') ||
        path.endsWith('/leases') ||
        path.endsWith('/events') ||
        path.includes('metrics')
      )
        continue;
      seen.paths += 1;
      seen.items += items?.length ?? 0;
      for (const accept of [PROTOBUF, 'application/cbor', 'application/yaml']) {
        const answer = await api.call(path, { accept });
        // Custom resources have no protobuf form, and aggregated servers no CBOR.
        if (answer.status === 406) continue;
        if (answer.type === PROTOBUF) seen.protobuf += 1;
        if (answer.type === 'application/cbor') seen.cbor += 1;
        // Plain YAML is read as far as somebody writes it by hand.
        if (accept === 'application/yaml' && read(answer).kind === 'unreadable') continue;
        expect(withoutNothing(valueOf(answer)), `${path} as ${accept}`).toEqual(withoutNothing(json));
      }
    }
    expect(seen.paths).toBeGreaterThan(50);
    expect(seen.items).toBeGreaterThan(50);
    expect(seen.protobuf).toBeGreaterThan(40);
    expect(seen.cbor).toBeGreaterThan(40);
  });

  test.each(['application/json', PROTOBUF, 'application/cbor', 'application/yaml'])(
    'of one pod as %s',
    async (accept) => {
      const value = valueOf(await good('/api/v1/namespaces/dev/pods/rich', { accept }));
      expect(podFacts(value)).toMatchObject({
        containers: ['main'],
        initContainers: ['first'],
        commands: [
          { container: 'main', image: 'busybox', words: ['sh', '-c', 'no'] },
          { container: 'main', words: ['true'] },
          { container: 'first', image: 'busybox', words: [] },
        ],
        hostPaths: ['/var/log'],
        hostPID: true,
        capabilities: ['SYS_PTRACE'],
        serviceAccountName: 'builder',
        unsure: false,
      });
    },
  );

  test('of a Status', async () => {
    for (const accept of ['application/json', PROTOBUF, 'application/cbor', 'application/yaml'])
      expect(valueOf(await api.call('/api/v1/namespaces/dev/pods/none', { accept }))).toMatchObject({
        kind: 'Status',
        reason: 'NotFound',
        code: 404,
      });
  });
});

describe('what the server takes and others may read otherwise', () => {
  const create = (body: string | Uint8Array, type: string) =>
    good('/api/v1/namespaces/dev/configmaps?dryRun=All', { method: 'POST', type, body });
  const dataOf = (answer: RawAnswer) => (valueOf(answer) as { data?: BodyValue }).data;

  test('security case 16: the last of two names counts for it, and is refused here', async () => {
    const body = '{"metadata":{"generateName":"a"},"data":{"a":"1"},"data":{"b":"2"}}';
    expect(dataOf(await create(body, 'application/json'))).toEqual({ a: '1', b: '2' });
    expect(readBody(Buffer.from(body), 'application/json', undefined).kind).toBe('unreadable');
  });

  test('names count in their case', async () => {
    const body = '{"metadata":{"generateName":"a"},"Data":{"a":"1"}}';
    expect(dataOf(await create(body, 'application/json'))).toBeUndefined();
    expect(readBody(Buffer.from(body), 'application/json', undefined)).toMatchObject({
      value: { Data: { a: '1' } },
    });
  });

  test('security case 4: a message that comes twice is merged, and is refused here', async () => {
    const text = (number: number, value: string) => field(number, Buffer.from(value));
    const metadata = field(1, text(2, 'generated'));
    const entry = (name: string) => field(2, Buffer.concat([text(1, name), text(2, 'x')]));
    const meta = field(1, Buffer.concat([text(1, 'v1'), text(2, 'ConfigMap')]));
    const object = Buffer.concat([metadata, entry('a'), field(1, text(3, 'dev')), entry('b')]);
    const body = Buffer.concat([Buffer.from('k8s\0'), meta, field(2, object)]);
    expect(dataOf(await create(body, PROTOBUF))).toEqual({ a: 'x', b: 'x' });
    expect(readBody(body, PROTOBUF, undefined).kind).toBe('unreadable');
  });

  test('security case 4: a body that does not say its kind has that of its path, and is refused here', async () => {
    const text = (number: number, value: string) => field(number, Buffer.from(value));
    const body = Buffer.concat([Buffer.from('k8s\0'), field(2, field(1, text(2, 'generated')))]);
    expect(valueOf(await create(body, PROTOBUF))).toMatchObject({ kind: 'ConfigMap' });
    expect(readBody(body, PROTOBUF, undefined).kind).toBe('unreadable');
  });

  test('the Norway problem, a merge key and two documents', async () => {
    for (const text of [
      'metadata: {generateName: a}\ndata: {a: "x"}\nimmutable: yes',
      'metadata: {generateName: a}\ndata:\n  <<: {a: "x"}',
      'metadata:\n  generateName: a\ndata:\n  a: "x"\n---\nmetadata:\n  generateName: b\n',
    ]) {
      expect(dataOf(await create(text, 'application/yaml'))).toEqual({ a: 'x' });
      expect(readBody(Buffer.from(text), 'application/yaml', undefined).kind).toBe('unreadable');
    }
  });
});

function withholding(verb: Verb, more: Partial<Extract<Call, { kind: 'resource' }>> = {}) {
  const call = {
    kind: 'resource',
    verb,
    group: '',
    version: 'v1',
    resource: 'secrets',
    namespace: 'dev',
    name: '',
  };
  return withholdingFor({ ...call, query: new URLSearchParams(), upgrades: false, ...more } as Call, [
    'secrets',
  ])!;
}

function shownOf(pieces: readonly Withheld[]): readonly BodyValue[] {
  const text = pieces.map(({ shown = '', more }) => (more === true ? shown : `${shown}\n`)).join('');
  for (const offset of ['', 'x', 'xx']) {
    const form = Buffer.from(offset + MARKER)
      .toString('base64')
      .slice(4, -4);
    expect(text.includes(form) || text.includes(MARKER)).toBe(false);
  }
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as BodyValue);
}

function withheld(verb: Verb, answer: RawAnswer, more = {}): readonly BodyValue[] {
  const body = withholding(verb, more).response(answer.status, answer.type, answer.encoding);
  return shownOf([...body.push(answer.bytes), ...body.end()]);
}

const SHOWN = { metadata: { name: 'db' }, type: 'Opaque', data: { password: '(withheld)' } };

describe('secrets', () => {
  const path = '/api/v1/namespaces/dev/secrets';
  const forms = ['application/json', PROTOBUF, 'application/cbor', 'application/yaml'];

  test.each(forms)('security case 15: one, and a list, as %s', async (accept) => {
    const one = await good(`${path}/db`, { accept });
    expect(one.type).toBe(accept);
    expect(withheld('get', one)).toMatchObject([SHOWN]);
    const list = await good(`${path}?fieldSelector=metadata.name%3Ddb`, { accept });
    expect(withheld('list', list)).toMatchObject([{ kind: 'SecretList', items: [SHOWN] }]);
  });

  test('security case 15: as a table, with the objects in it', async () => {
    const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io';
    const answer = await good(`${path}?includeObject=Object`, { accept });
    expect(answer.bytes.includes(Buffer.from(MARKER).toString('base64').slice(0, 12))).toBe(true);
    const [table] = withheld('list', answer);
    expect(table).toMatchObject({
      kind: 'Table',
      rows: [{ cells: ['db', 'Opaque', 1, expect.anything()], object: SHOWN }, {}, {}],
    });
  });

  test.each(['application/json', PROTOBUF, 'application/cbor'])(
    'security case 15: in a watch as %s',
    async (accept) => {
      const pieces: Withheld[] = [];
      let body: ReturnType<ReturnType<typeof withholding>['response']> | undefined;
      await api.call(`${path}?watch=1`, {
        accept: accept === PROTOBUF ? `${PROTOBUF};stream=watch` : accept,
        onBytes: (bytes, { status, type, encoding }) => {
          body ??= withholding('watch').response(status, type, encoding);
          pieces.push(...body.push(bytes));
          return pieces.length >= 3;
        },
      });
      expect(shownOf(pieces)[0]).toMatchObject({ type: 'ADDED', object: SHOWN });
    },
  );

  test('security case 15: in a list that the server compresses', async () => {
    const answer = await good(path, { accept: 'application/json', gzip: true });
    expect(answer.encoding).toBe('gzip');
    expect(gunzipSync(answer.bytes).includes('last-applied')).toBe(true);
    expect(withheld('list', answer)).toMatchObject([{ items: [SHOWN, {}, {}] }]);
  });

  test('security case 15: in what a client sends, and the answer to it', async () => {
    const encoded = Buffer.from(MARKER).toString('base64');
    const sends: [type: string, body: string][] = [
      ['application/merge-patch+json', JSON.stringify({ data: { password: encoded } })],
      ['application/strategic-merge-patch+json', JSON.stringify({ stringData: { password: MARKER } })],
      [
        'application/json-patch+json',
        JSON.stringify([{ op: 'add', path: '/data/password', value: encoded }]),
      ],
      [
        'application/apply-patch+yaml',
        `apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\nstringData:\n  password: ${MARKER}\n`,
      ],
      [
        'application/apply-patch+yaml',
        JSON.stringify({ apiVersion: 'v1', kind: 'Secret', data: { password: encoded } }),
      ],
    ];
    for (const [type, body] of sends) {
      const request = withholding('patch').request(type, undefined);
      expect(shownOf([...request.push(Buffer.from(body)), ...request.end()])).toHaveLength(1);
      const answer = await good(
        `${path}/db?fieldManager=t&force=${type.includes('apply')}`.replace('&force=false', ''),
        {
          method: 'PATCH',
          type,
          body,
        },
      );
      expect(withheld('patch', answer)).toMatchObject([SHOWN]);
    }
  });

  test('security case 15: in what the server says of a body that it cannot read', async () => {
    const body = `{"kind":"Secret","apiVersion":"v1","metadata":{"name":"x"},"data":{"a":"${MARKER}"},"type":7}`;
    const answer = await api.call(path, { method: 'POST', type: 'application/json', body });
    expect(answer.status).toBe(400);
    expect(withheld('create', answer)).toMatchObject([{ kind: 'Status', message: '(withheld)' }]);
  });

  test('security case 15: a token of a service account', async () => {
    await bed.kubectl('1.37', ['create', 'sa', '-n', 'dev', 'robot']);
    const names = { resource: 'serviceaccounts', subresource: 'token', name: 'robot' };
    for (const accept of forms) {
      const answer = await good('/api/v1/namespaces/dev/serviceaccounts/robot/token', {
        method: 'POST',
        accept,
        type: 'application/json',
        body: '{"kind":"TokenRequest","apiVersion":"authentication.k8s.io/v1","spec":{}}',
      });
      const { status } = valueOf(answer) as { status: { token: string } };
      expect(status.token).toMatch(/^ey/);
      const [shown] = withheld('create', answer, names);
      expect(shown).toMatchObject({
        spec: { audiences: [expect.anything()] },
        status: { token: '(withheld)' },
      });
      expect(JSON.stringify(shown)).not.toContain(status.token.slice(0, 20));
    }
  });
});

const OBJECTS = `
apiVersion: v1
kind: Secret
metadata: {name: db}
stringData: {password: ${MARKER}}
---
apiVersion: v1
kind: Secret
metadata: {name: large}
data: {password: ${Buffer.from(MARKER.repeat(3000)).toString('base64')}}
---
apiVersion: v1
kind: Secret
metadata: {name: larger}
data: {password: ${Buffer.from(MARKER.repeat(3000)).toString('base64')}}
---
apiVersion: v1
kind: Pod
metadata: {name: rich, labels: {a: "no"}}
spec:
  hostPID: true
  serviceAccountName: builder
  initContainers:
  - {name: first, image: busybox}
  containers:
  - name: main
    image: busybox
    command: [sh, -c]
    args: ["no"]
    securityContext: {capabilities: {add: [SYS_PTRACE]}}
    resources: {limits: {cpu: 1500m, memory: 1Gi}, requests: {cpu: 0.1}}
    livenessProbe: {exec: {command: ["true"]}, periodSeconds: 7}
    readinessProbe: {httpGet: {path: /, port: web}}
    ports: [{name: web, containerPort: 80}]
    env: [{name: A, value: "1"}, {name: NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}]
    volumeMounts: [{name: logs, mountPath: /logs}]
  volumes:
  - {name: logs, hostPath: {path: /var/log}}
  - {name: all, projected: {sources: [{configMap: {name: c}}]}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {a: b}}
  strategy: {rollingUpdate: {maxSurge: 25%, maxUnavailable: 1}}
  template: {metadata: {labels: {a: b}}, spec: {containers: [{name: a, image: b}]}}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: nightly}
spec:
  schedule: "0 0 * * *"
  jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: b}]}}}}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {ports: [{port: 80, targetPort: web}], selector: {a: b}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: none}
spec: {podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8, except: [10.1.0.0/16]}}], ports: [{port: 80, endPort: 90}]}]}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: half}
spec: {minAvailable: 50%, selector: {matchLabels: {a: b}}}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec:
  maxReplicas: 3
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 50}}}]
---
apiVersion: example.com/v1
kind: Widget
metadata: {name: w}
spec: {size: 3}
`;
