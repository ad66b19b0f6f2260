import { describe, expect, it } from 'vitest';
import { statementHash } from '#core/access/statements.ts';
import { CustodyError } from '#core/errors.ts';
import { callText, parseCallText } from '#core/protocols/kubernetes/exact/call-text.ts';
import { ExactJudge } from '#core/protocols/kubernetes/exact/exact-judge.ts';
import { kubernetes } from '#core/protocols/kubernetes/protocol.ts';
import { callOf } from '#core/protocols/kubernetes/request-info.ts';
import { errorOf } from '../permission.ts';

const JSON_TYPE = 'application/json';
const MERGE = 'application/merge-patch+json';
const named = (text: string) => ({ text, sha256: statementHash(text) });

function under(...texts: string[]) {
  const told: string[] = [];
  const judge = new ExactJudge({
    statements: texts.map(named),
    claim: () => Promise.resolve(void told.push('claimed')),
    note: ({ note }) => void told.push(note),
  });
  const asks = async (
    method: string,
    target: string,
    body?: unknown,
    type: string = JSON_TYPE,
  ): Promise<string> => {
    const first = await judge.judge(callOf(method, target));
    if (first.kind !== 'wants-body') return first.kind;
    const text = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body);
    return (await first.judge({ bytes: Buffer.from(text), type, encoding: undefined })).kind;
  };
  return { asks, told };
}

const DEPLOYMENT = '/apis/apps/v1/namespaces/prod/deployments/web';
const POD = '/api/v1/namespaces/prod/pods/web-0';
const EXEC = `${POD}/exec?container=main&stdout=true&stderr=true`;

describe('the text of a call', () => {
  it.each([
    ['patch deployments.apps/scale prod/web {"spec":{"replicas":3}}', undefined],
    ['create pods/exec prod/web-0 ["sh","-c","id"]', undefined],
    ['create pods/exec prod/web-0?container=main ["id"]', undefined],
    ['delete pods prod/web-0', undefined],
    ['get /version', undefined],
    ['get nodes /node-1', undefined],
    ['list nodes', 'list nodes /'],
    ['list pods prod/', undefined],
    ['  delete   pods   prod/web-0  ', 'delete pods prod/web-0'],
    ['patch a p/n {"b":1,"a":[{"d":null,"c":"é"}]}', 'patch a p/n {"a":[{"c":"é","d":null}],"b":1}'],
    ['list pods prod/?labelSelector=a=b', 'list pods prod/?labelSelector=a%3Db'],
    ['patch a p/n?force=true&patch=apply {"b":1}', undefined],
  ])('%s has one form', (text, canonical = text) => {
    expect(callText(parseCallText(text))).toBe(canonical);
    expect(callText(parseCallText(canonical))).toBe(canonical);
  });

  it.each([
    '',
    'delete',
    'delete pods prod',
    'drop pods prod/web-0',
    'delete Pods prod/web-0',
    'delete pods prod/web/0',
    'create pods prod/ {"a":1,"a":2}',
    'create pods prod/ {',
    'list /version',
    'create pods/portforward prod/web-0 {}',
    'get pods/proxy prod/web-0',
    'create pods/attach prod/web-0 {}',
    'create pods/exec prod/web-0',
    'create pods/exec prod/web-0 {"a":1}',
    'create pods/exec prod/web-0 []',
    'get pods prod/web-0 {}',
    'patch pods prod/web-0',
    'post /x {}',
  ])('cannot be approved: %j', (text) => {
    expect(errorOf(() => kubernetes.refuseUnapprovable([text]))).toMatchObject({
      code: 'format-invalid',
      message: expect.stringMatching(/^command 1 cannot be approved: the call /),
    });
  });

  it('is one in each line', () => {
    const texts = kubernetes.commandsIn('get /version\r\n\n  delete pods prod/a \n');
    expect(texts).toEqual(['get /version', 'delete pods prod/a']);
    expect(() => kubernetes.refuseUnapprovable(texts)).not.toThrow();
  });
});

describe('a grant for exact calls', () => {
  it('becomes the session’s before the first of them goes on, once', async () => {
    const { asks, told } = under('delete pods prod/web-0', 'get pods prod/web-0');
    expect(await asks('GET', '/api/v1')).toBe('passes');
    expect(told).toEqual([]);
    expect(await asks('GET', POD)).toBe('passes');
    expect(told).toEqual(['claimed', 'grant-used']);
    expect(await asks('DELETE', POD)).toBe('passes');
    expect(told).toEqual(['claimed', 'grant-used']);
  });

  it('that is another session’s lets nothing pass', async () => {
    const claim = (): Promise<void> => Promise.reject(new CustodyError('not-approved', 'it is used'));
    const judge = new ExactJudge({
      statements: [named('get pods prod/web-0')],
      claim,
      note: () => undefined,
    });
    expect(await judge.judge(callOf('GET', POD))).toMatchObject({
      kind: 'refused',
      error: { message: 'it is used' },
    });
  });

  it('security case 23: goes by what was approved, not by a text beside its hash', async () => {
    const statements = [{ ...named('get pods prod/other'), text: 'get pods prod/web-0' }];
    const judge = new ExactJudge({ statements, claim: () => Promise.resolve(), note: () => undefined });
    expect(await judge.judge(callOf('GET', POD))).toMatchObject({ kind: 'refused' });
  });

  it.each([
    ['merge', MERGE, '{"spec": {"replicas": 3}}'],
    ['strategic', 'application/strategic-merge-patch+json', '{"spec":{"replicas":3}}'],
  ])('has a body by its value: %s', async (_, type, body) => {
    const { asks } = under('patch deployments.apps/scale prod/web {"spec":{"replicas":3}}');
    expect(await asks('PATCH', `${DEPLOYMENT}/scale?fieldManager=kubectl`, body, type)).toBe('passes');
  });

  it.each([
    ['another value', 'PATCH', `${DEPLOYMENT}/scale`, { spec: { replicas: 30 } }, MERGE],
    ['a value of other type', 'PATCH', `${DEPLOYMENT}/scale`, { spec: { replicas: '3' } }, MERGE],
    ['one more member', 'PATCH', `${DEPLOYMENT}/scale`, { spec: { replicas: 3, a: 1 } }, MERGE],
    ['apply', 'PATCH', `${DEPLOYMENT}/scale`, { spec: { replicas: 3 } }, 'application/apply-patch+yaml'],
    ['a name twice', 'PATCH', `${DEPLOYMENT}/scale`, '{"spec":{"replicas":3},"spec":{"replicas":3}}', MERGE],
    [
      'another object',
      'PATCH',
      '/apis/apps/v1/namespaces/prod/deployments/db/scale',
      { spec: { replicas: 3 } },
      MERGE,
    ],
    [
      'another namespace',
      'PATCH',
      '/apis/apps/v1/namespaces/dev/deployments/web/scale',
      { spec: { replicas: 3 } },
      MERGE,
    ],
    ['what is above', 'PATCH', DEPLOYMENT, { spec: { replicas: 3 } }, MERGE],
    [
      'another group',
      'PATCH',
      '/apis/a/v1/namespaces/prod/deployments/web/scale',
      { spec: { replicas: 3 } },
      MERGE,
    ],
    ['another verb', 'PUT', `${DEPLOYMENT}/scale`, { spec: { replicas: 3 } }, JSON_TYPE],
    ['force', 'PATCH', `${DEPLOYMENT}/scale?force=true`, { spec: { replicas: 3 } }, MERGE],
    ['no body', 'PATCH', `${DEPLOYMENT}/scale`, undefined, MERGE],
    ['a read of it', 'GET', `${DEPLOYMENT}/scale`, undefined, JSON_TYPE],
  ])('has nothing else: %s', async (_, method, target, body, type) => {
    const { asks, told } = under('patch deployments.apps/scale prod/web {"spec":{"replicas":3}}');
    expect(await asks(method, target, body, type)).toBe('refused');
    expect(told).toEqual([]);
  });

  it.each([
    [undefined, 'passes'],
    [{}, 'passes'],
    [{ kind: 'DeleteOptions', apiVersion: 'v1', propagationPolicy: 'Background' }, 'passes'],
    [{ propagationPolicy: 'Orphan' }, 'refused'],
    [{ gracePeriodSeconds: 0 }, 'refused'],
  ])('of a deletion with the options %j: %s', async (body, expected) => {
    expect(await under('delete pods prod/web-0').asks('DELETE', POD, body)).toBe(expected);
  });

  it('of a deletion, options that were approved', async () => {
    const { asks } = under('delete pods prod/web-0 {"gracePeriodSeconds":0}');
    expect(await asks('DELETE', POD, { gracePeriodSeconds: 0, propagationPolicy: 'Background' })).toBe(
      'passes',
    );
    expect(await asks('DELETE', POD)).toBe('refused');
    expect(await asks('DELETE', `${POD}?gracePeriodSeconds=0`)).toBe('refused');
  });

  it.each([
    ['["id"]', `${EXEC}&command=id`, 'passes'],
    ['["id"]', `${EXEC}&command=id&tty=true`, 'passes'],
    ['["id"]', `${EXEC}&command=id&stdin=false`, 'passes'],
    ['["id"]', `${EXEC}&command=id&stdin=true`, 'refused'],
    ['["id"]', `${EXEC}&command=id&stdin=1`, 'refused'],
    ['["id"]', `${EXEC}&command=id&command=-u`, 'refused'],
    ['["id","-u"]', `${EXEC}&command=id+-u`, 'refused'],
    ['["id"]', `${POD}/exec?container=other&command=id`, 'passes'],
    ['["id"]', `${POD}/attach`, 'refused'],
  ])('of exec %s, %s: %s', async (words, target, expected) => {
    const { asks } = under(`create pods/exec prod/web-0 ${words}`);
    expect(await asks('GET', target)).toBe(expected);
    expect(await asks('POST', target)).toBe(expected);
  });

  it('of exec in one container', async () => {
    const { asks } = under('create pods/exec prod/web-0?container=main ["id"]');
    expect(await asks('GET', `${EXEC}&command=id`)).toBe('passes');
    expect(await asks('GET', `${POD}/exec?container=other&command=id`)).toBe('refused');
  });

  it('has what clients write for nothing, in any format', async () => {
    const { asks } = under(
      'create configmaps prod/ {"apiVersion":"v1","data":{"a":"b"},"kind":"ConfigMap","metadata":{"name":"c"}}',
    );
    const body = {
      kind: 'ConfigMap',
      apiVersion: 'v1',
      metadata: { name: 'c', namespace: 'prod', creationTimestamp: null },
      data: { a: 'b' },
      status: {},
    };
    const target = '/api/v1/namespaces/prod/configmaps?fieldManager=kubectl-create&dryRun=All';
    expect(await asks('POST', target, body)).toBe('passes');
    const yaml = 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: c\ndata:\n  a: b\n';
    expect(await asks('POST', target, yaml, 'application/yaml')).toBe('passes');
    expect(await asks('POST', target, { ...body, data: { a: 'c' } })).toBe('refused');
  });

  it('may say what clients write for nothing, too', async () => {
    const { asks } = under(
      'create configmaps prod/ {"kind":"ConfigMap","metadata":{"name":"c","namespace":"prod","creationTimestamp":null},"status":{}}',
      'delete configmaps prod/c {"kind":"DeleteOptions","propagationPolicy":"Background"}',
    );
    const target = '/api/v1/namespaces/prod/configmaps';
    expect(await asks('POST', target, { kind: 'ConfigMap', metadata: { name: 'c' } })).toBe('passes');
    expect(await asks('DELETE', `${target}/c`)).toBe('passes');
    expect(await asks('POST', target, { kind: 'ConfigMap', metadata: { name: 'c', namespace: 'dev' } })).toBe(
      'refused',
    );
  });

  it('of one object, as kubectl waits for it', async () => {
    const { asks } = under('watch pods prod/web-0', 'list pods prod/web-0');
    const target = '/api/v1/namespaces/prod/pods?fieldSelector=metadata.name%3Dweb-0';
    expect(await asks('GET', target)).toBe('passes');
    expect(await asks('GET', `${target}&watch=true&resourceVersion=5`)).toBe('passes');
    expect(await asks('GET', '/api/v1/namespaces/prod/pods?watch=true')).toBe('refused');
  });

  it('says what to do', async () => {
    const judge = new ExactJudge({ statements: [], claim: () => Promise.resolve(), note: () => undefined });
    expect(await judge.judge(callOf('GET', POD))).toMatchObject({
      error: {
        code: 'not-approved',
        message: 'get pods prod/web-0 is forbidden: it is none of those that this grant is for',
        hint: 'ask for the calls that are to be made: custody request --statement "…"',
      },
    });
  });
});

describe('security case 23: how a patch is meant is part of what was approved', () => {
  const STRATEGIC = 'application/strategic-merge-patch+json';
  const APPLY = 'application/apply-patch+yaml';
  const lists = { spec: { template: { spec: { containers: [{ name: 'main', image: 'x:2' }] } } } };
  const text = `patch deployments.apps prod/web ${JSON.stringify(lists)}`;

  it('a list that replaces is not one that is merged', async () => {
    expect(await under(text).asks('PATCH', DEPLOYMENT, lists, STRATEGIC)).toBe('passes');
    expect(await under(text).asks('PATCH', DEPLOYMENT, lists, MERGE)).toBe('refused');
    const merge = text.replace('prod/web ', 'prod/web?patch=merge ');
    expect(await under(merge).asks('PATCH', DEPLOYMENT, lists, MERGE)).toBe('passes');
    expect(await under(merge).asks('PATCH', DEPLOYMENT, lists, STRATEGIC)).toBe('refused');
  });

  it('neither is a directive, which one of them takes for a field', async () => {
    const directive = { spec: { template: { spec: { $patch: 'replace' } } } };
    const one = `patch deployments.apps prod/web ${JSON.stringify(directive)}`;
    expect(await under(one).asks('PATCH', DEPLOYMENT, directive, STRATEGIC)).toBe('passes');
    expect(await under(one).asks('PATCH', DEPLOYMENT, directive, MERGE)).toBe('refused');
  });

  it('where both do the same, either passes, and so does whoever says so', async () => {
    const body = { spec: { replicas: 3 } };
    for (const how of ['', '?patch=merge'])
      for (const type of [MERGE, STRATEGIC]) {
        const one = under(`patch deployments.apps prod/web${how} {"spec":{"replicas":3}}`);
        expect(await one.asks('PATCH', DEPLOYMENT, body, type)).toBe('passes');
      }
  });

  it('kinds that no strategic patch knows are merged', async () => {
    const target = '/apis/example.com/v1/namespaces/prod/widgets/a';
    const one = under('patch widgets.example.com prod/a {"spec":{"parts":["x"]}}');
    expect(await one.asks('PATCH', target, { spec: { parts: ['x'] } }, MERGE)).toBe('passes');
  });

  it('a query does not say in its place how it is meant', async () => {
    const body = { spec: { replicas: 3 } };
    const one = under('patch deployments.apps prod/web?patch=apply {"spec":{"replicas":3}}');
    expect(await one.asks('PATCH', `${DEPLOYMENT}?patch=apply`, body, MERGE)).toBe('refused');
    expect(await one.asks('PATCH', `${DEPLOYMENT}?fieldManager=kubectl`, body, APPLY)).toBe('passes');
  });

  it('an apply under somebody else’s name takes away what is theirs, and is another call', async () => {
    const body = { spec: { replicas: 3 } };
    const target = `${DEPLOYMENT}?fieldManager=helm`;
    const usual = under('patch deployments.apps prod/web?patch=apply {"spec":{"replicas":3}}');
    expect(await usual.asks('PATCH', target, body, APPLY)).toBe('refused');
    const named = under(
      'patch deployments.apps prod/web?fieldManager=helm&patch=apply {"spec":{"replicas":3}}',
    );
    expect(await named.asks('PATCH', target, body, APPLY)).toBe('passes');
  });

  it.each(['force=true', 'propagationPolicy=Orphan', 'gracePeriodSeconds=0', 'orphanDependents=true'])(
    'neither is a call with %s the one without',
    async (more) => {
      expect(await under('delete pods prod/web-0').asks('DELETE', `${POD}?${more}`)).toBe('refused');
      expect(await under(`delete pods prod/web-0?${more}`).asks('DELETE', `${POD}?${more}`)).toBe('passes');
    },
  );
});
