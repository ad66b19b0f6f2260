import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { diffLines, diffOf } from '#core/protocols/kubernetes/bodies/diff.ts';
import type { BodyValue } from '#core/protocols/kubernetes/bodies/value.ts';

const deployment = (replicas: number, containers: readonly BodyValue[], more: object = {}): BodyValue => ({
  kind: 'Deployment',
  metadata: {
    name: 'web',
    resourceVersion: String(Math.random()),
    generation: replicas,
    managedFields: [],
    ...more,
  },
  spec: { replicas, template: { spec: { containers } } },
});

const lines = (before: BodyValue, after: BodyValue): string[] => diffLines(diffOf(before, after));

describe('the difference of two objects', () => {
  it('is what somebody changed, by name', () => {
    const before = deployment(1, [
      { name: 'main', image: 'web:1', env: [{ name: 'A', value: '1' }], ports: [{ containerPort: 80 }] },
      { name: 'log', image: 'log:1' },
    ]);
    const after = deployment(
      3,
      [
        { name: 'new', image: 'x' },
        {
          name: 'main',
          image: 'web:2',
          env: [{ name: 'A', value: '2' }],
          ports: [{ containerPort: 80, protocol: 'TCP' }],
        },
      ],
      { labels: { 'example.com/a': 'b' } },
    );
    const containers = 'spec.template.spec.containers';
    expect(lines(before, after).toSorted()).toEqual(
      [
        '+ metadata.labels: {"example.com/a":"b"}',
        '~ spec.replicas: 1 → 3',
        `+ ${containers}[name=new]: {"name":"new","image":"x"}`,
        `- ${containers}[name=log]: {"name":"log","image":"log:1"}`,
        `~ ${containers}[name=main].image: "web:1" → "web:2"`,
        `~ ${containers}[name=main].env[name=A].value: "1" → "2"`,
        `+ ${containers}[name=main].ports[containerPort=80].protocol: "TCP"`,
      ].toSorted(),
    );
  });

  it.each([
    ['words are one value', { a: ['x', 'y'] }, { a: ['x', 'z'] }, ['~ a: ["x","y"] → ["x","z"]']],
    [
      'names of no usual kind',
      { labels: { 'a.b/c': '1' } },
      { labels: { 'a.b/c': '2' } },
      ['~ labels["a.b/c"]: "1" → "2"'],
    ],
    [
      'an order',
      { l: [{ name: 'a' }, { name: 'b' }] },
      { l: [{ name: 'b' }, { name: 'a' }] },
      ['~ l[]: ["a","b"] → ["b","a"]'],
    ],
    [
      'objects without a name',
      { l: [{ x: 1 }] },
      { l: [{ x: 2 }, { x: 3 }] },
      ['~ l[0].x: 1 → 2', '+ l[1]: {"x":3}'],
    ],
    ['a list that was empty', { l: [] }, { l: [{ name: 'a' }] }, ['+ l[name=a]: {"name":"a"}']],
    ['another type', { a: 1 }, { a: [1] }, ['~ a: 1 → [1]']],
    ['null', { a: null }, { a: 1 }, ['~ a: null → 1']],
    ['all of it', 1, 2, ['~ all of it: 1 → 2']],
    [
      'what kubectl applied last',
      {},
      { metadata: { annotations: { 'kubectl.kubernetes.io/last-applied-configuration': '{}' } } },
      ['+ metadata: {"annotations":{"kubectl.kubernetes.io/last-applied-configuration":"{}"}}'],
    ],
  ] as const)('%s', (_, before, after, expected) => {
    expect(lines(before as BodyValue, after as BodyValue)).toEqual(expected);
  });

  it('has no noise', () => {
    const noisy = (of: string): BodyValue => ({
      metadata: {
        resourceVersion: of,
        generation: of,
        managedFields: [of],
        annotations: { 'kubectl.kubernetes.io/last-applied-configuration': of },
      },
    });
    expect(diffOf(noisy('1'), noisy('2'))).toEqual({ changes: [], more: 0 });
  });

  it('security case 18: shows no terminal its escapes', () => {
    const [line] = lines({ a: 1 }, { a: 1, '\u001b[31m\u202e': '\u009b\u202e\u007f' });
    expect(line).toMatch(/^[\x20-\x7e]+$/);
  });

  it('is bounded', () => {
    const after = Object.fromEntries(Array.from({ length: 1000 }, (_, at) => [`n${at}`, 'x'.repeat(1000)]));
    const diff = diffOf({}, after);
    expect(diff.changes).toHaveLength(200);
    expect(diff.more).toBe(800);
    expect(diffLines(diff).at(-1)).toBe('… and 800 more');
    expect(diffLines(diff)[0]!.length).toBeLessThan(300);
  });

  const value = fc.jsonValue({ maxDepth: 4 }) as fc.Arbitrary<BodyValue>;

  it('is nothing exactly where both are the same', () => {
    fc.assert(
      fc.property(value, value, (before, after) => {
        expect(diffOf(before, before).changes).toEqual([]);
        const isSame = JSON.stringify(sorted(before)) === JSON.stringify(sorted(after));
        expect(diffOf(before, after).changes.length === 0).toBe(isSame);
      }),
    );
  });

  it('is the other way round when the two are', () => {
    fc.assert(
      fc.property(value, value, (before, after) => {
        const turned = { added: 'removed', removed: 'added', changed: 'changed' } as const;
        const there = diffOf(before, after).changes.map(({ path, kind }) => `${kind} ${path}`);
        const back = diffOf(after, before).changes.map(({ path, kind }) => `${turned[kind]} ${path}`);
        expect(there.toSorted()).toEqual(back.toSorted());
      }),
    );
  });
});

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return Object.is(value, -0) ? '-0' : value;
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([one], [other]) => (one < other ? -1 : 1))
      .map(([name, of]) => [name, sorted(of)]),
  );
}
