import { describe, expect, it } from 'vitest';
import { bodyNames, podFacts } from '#core/protocols/kubernetes/bodies/facts.ts';
import type { BodyValue } from '#core/protocols/kubernetes/bodies/value.ts';

const NOTHING = {
  commands: [],
  images: [],
  containers: [],
  initContainers: [],
  ephemeralContainers: [],
  privileged: false,
  hostPID: false,
  hostIPC: false,
  hostNetwork: false,
  hostPaths: [],
  capabilities: [],
  unsure: false,
};

/** What kubectl debug makes of a node. */
const nodeDebugger = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { generateName: 'node-debugger-', namespace: 'dev' },
  spec: {
    containers: [
      {
        name: 'debugger',
        image: 'busybox',
        command: ['sh'],
        args: ['-c', 'id'],
        securityContext: { privileged: true, capabilities: { add: ['SYS_PTRACE'] } },
      },
    ],
    hostIPC: true,
    hostNetwork: true,
    hostPID: true,
    nodeName: 'node-1',
    volumes: [{ name: 'host-root', hostPath: { path: '/' } }],
  },
};
const FACTS = {
  ...NOTHING,
  commands: [{ container: 'debugger', image: 'busybox', words: ['sh', '-c', 'id'] }],
  images: ['busybox'],
  containers: ['debugger'],
  privileged: true,
  hostPID: true,
  hostIPC: true,
  hostNetwork: true,
  hostPaths: ['/'],
  capabilities: ['SYS_PTRACE'],
  nodeName: 'node-1',
};

describe('what a body does with pods', () => {
  it('is what stands in a pod', () => {
    expect(podFacts(nodeDebugger)).toEqual(FACTS);
    expect(bodyNames(nodeDebugger)).toEqual({
      apiVersion: 'v1',
      kind: 'Pod',
      generateName: 'node-debugger-',
      namespace: 'dev',
    });
  });

  it.each([
    ['a template', { spec: { template: nodeDebugger } }],
    ['a cron job', { spec: { jobTemplate: { spec: { template: nodeDebugger } } } }],
    ['a PodTemplate', { template: nodeDebugger }],
    ['a list', { kind: 'List', items: [{ kind: 'ConfigMap' }, { spec: { template: nodeDebugger } }] }],
    ['a patch of RFC 6902', [{ op: 'add', path: '/spec/template/spec', value: nodeDebugger.spec }]],
    ['one of it all', [{ op: 'replace', path: '', value: nodeDebugger }]],
  ] as const)('is the same in %s', (_, value) => {
    expect(podFacts(value as unknown as BodyValue)).toEqual(FACTS);
  });

  it.each([
    { kind: 'ConfigMap', data: { a: 'b' } },
    { spec: { replicas: 3, template: { metadata: {} } } },
    [{ op: 'replace', path: '/spec/replicas', value: 3 }],
    [{ op: 'test', path: '/spec/hostPID', value: true }],
    [{ op: 'remove', path: '/spec/containers/0' }],
    'text',
    null,
    { spec: 'text' },
  ] as const)('is nothing in %j', (value) => {
    expect(podFacts(value as unknown as BodyValue)).toBeUndefined();
  });

  it('security case 4: a strategic merge brings an ephemeral container', () => {
    const patch = {
      spec: {
        $setElementOrder: undefined as never,
        ephemeralContainers: [
          { name: 'debugger', image: 'busybox', command: ['sh'], targetContainerName: 'main' },
        ],
      },
    };
    const { $setElementOrder: _, ...spec } = patch.spec;
    expect(
      podFacts({ spec: { ...spec, '$setElementOrder/ephemeralContainers': [{ name: 'debugger' }] } }),
    ).toEqual({
      ...NOTHING,
      commands: [{ container: 'debugger', image: 'busybox', words: ['sh'] }],
      images: ['busybox'],
      ephemeralContainers: [
        { name: 'debugger', image: 'busybox', targetContainerName: 'main', words: ['sh'] },
      ],
    });
  });

  it.each([
    [{ op: 'add', path: '/spec/ephemeralContainers/-', value: { name: 'x', image: 'i' } }],
    [{ op: 'add', path: '/spec/ephemeralContainers', value: [{ name: 'x', image: 'i' }] }],
    [{ op: 'replace', path: '/spec/ephemeralContainers/-1', value: { name: 'x', image: 'i' } }],
    [{ op: 'replace', path: '/spec', value: { ephemeralContainers: [{ name: 'x', image: 'i' }] } }],
  ])('security case 4: so does %j', (operation) => {
    expect(podFacts([operation])?.ephemeralContainers).toEqual([{ name: 'x', image: 'i', words: [] }]);
  });

  it('has the commands of probes and hooks', () => {
    const exec = (word: string) => ({ exec: { command: [word] } });
    const container = {
      name: 'a',
      livenessProbe: exec('live'),
      startupProbe: exec('start'),
      lifecycle: { preStop: exec('stop') },
    };
    expect(podFacts({ spec: { initContainers: [container] } })).toMatchObject({
      initContainers: ['a'],
      commands: [
        { words: [] },
        { container: 'a', words: ['live'] },
        { container: 'a', words: ['start'] },
        { container: 'a', words: ['stop'] },
      ],
    });
  });

  it.each([
    ['a copy', [{ op: 'copy', from: '/spec/a', path: '/spec/b' }]],
    ['a move', [{ op: 'move', from: '/spec/a', path: '/spec/b' }]],
    ['an operation of no path', [{ op: 'add', value: 1 }]],
    ['a path that some read', [{ op: 'add', path: 'x/spec/hostPID', value: true }]],
    ['no operation', ['text']],
    ['a directive', { spec: { $patch: 'replace', containers: [] } }],
    ['one of a container', { spec: { containers: [{ name: 'a', $patch: 'delete' }] } }],
    ['containers that are no list', { spec: { containers: { name: 'a' } } }],
    ['a command that is no list', { spec: { containers: [{ name: 'a', command: 'sh' }] } }],
    ['a flag that is a text', { spec: { hostPID: 'true' } }],
    ['a field of protobuf without a name', { spec: { '#99': ['aGk='] } }],
  ] as const)('is unsure of %s', (_, value) => {
    expect(podFacts(value as unknown as BodyValue)).toMatchObject({ unsure: true });
  });
});
