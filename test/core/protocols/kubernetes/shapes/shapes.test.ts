import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { BodyValue } from '#core/protocols/kubernetes/bodies/read.ts';
import { shapeOf } from '#core/protocols/kubernetes/shapes/call-shape.ts';
import { kubernetesShapes } from '#core/protocols/kubernetes/shapes/shapes.ts';
import type { DeclaredCommand } from '#core/tasks/schema.ts';
import { errorOf } from '../permission.ts';

type DeclaredCall = NonNullable<DeclaredCommand['call']>;
const command = (call: Partial<DeclaredCall>): DeclaredCommand =>
  ({
    name: 'c',
    call: { verb: 'patch', resource: 'deployments.apps', namespace: '', ...call },
  }) as DeclaredCommand;

describe('calls of a contract', () => {
  it('are open where it says so, and fixed elsewhere', () => {
    const call = { namespace: '$1', name: 'web', body: { b: '$2', a: [1, true, null, 'x'] } };
    const { text, places } = kubernetesShapes.declare(command(call));
    expect(text).toBe('patch deployments.apps $1/$2 {"a":["$3","$4",null,"$5"],"b":"$6"}');
    expect(places).toEqual([
      { hole: '$1' },
      { constant: { kind: 'any', text: 'web' } },
      { constant: { kind: 'integer', text: '1' } },
      { constant: { kind: 'boolean', text: 'true' } },
      { constant: { kind: 'text', text: 'x' } },
      { hole: '$2' },
    ]);
  });

  it('are rendered with their values', () => {
    const call = { name: '$1', body: { a: '$2', b: '$3' } };
    const values = new Map([
      ['$1', '7'],
      ['$2', 'x'],
      ['$3', '7'],
    ]);
    const terms = { $1: { type: 'text' }, $2: { type: 'text' }, $3: { type: 'integer' } };
    const typed = { ...command(call), values: terms } as unknown as DeclaredCommand;
    expect(kubernetesShapes.render(typed, values)).toEqual({
      call: { verb: 'patch', resource: 'deployments.apps', namespace: '', name: '7', body: { a: 'x', b: 7 } },
    });
    expect(errorOf(() => kubernetesShapes.render(command(call), new Map())).message).toBe(
      'the call needs a value for $1',
    );
  });

  it.each([
    ['a command of no exec', { command: ['id'], body: undefined }],
    ['an exec without', { verb: 'create', resource: 'pods/exec', body: undefined }],
    ['a program that is open', { verb: 'create', resource: 'pods/exec', command: ['$1'], body: undefined }],
    ['no resource', { resource: 'Pods', body: {} }],
    ['two slashes', { name: 'a/b', body: {} }],
  ] as const)('are none with %s', (_, call) => {
    expect(errorOf(() => kubernetesShapes.declare(command(call as never))).code).toBe('format-invalid');
  });

  const leaf = fc.oneof(fc.string({ maxLength: 5 }), fc.integer(), fc.boolean(), fc.constant(null));
  const { body } = fc.letrec<{ body: BodyValue }>((tie) => ({
    body: fc.oneof(
      { maxDepth: 3 },
      leaf,
      fc.array(tie('body'), { maxLength: 3 }),
      fc.dictionary(
        fc.string({ maxLength: 4 }).filter((name) => name !== '__proto__'),
        tie('body'),
        { maxKeys: 3 },
      ),
    ),
  }));
  const object = fc.dictionary(fc.constantFrom('a', 'spec', '$1'), body, { minKeys: 1, maxKeys: 3 });

  it('are written from what was seen, so that it fits them', () => {
    fc.assert(
      fc.property(object, fc.infiniteStream(fc.boolean()), (carries, open) => {
        const place = { namespace: 'prod', name: 'web' };
        const seen = shapeOf({
          verb: 'patch',
          what: 'pods',
          place,
          parameters: [['force', 'true']],
          carries,
        });
        fc.pre(seen.values.every((value) => 'text' in value && !/^\$\d/.test(value.text!)));
        const opened = seen.values.map(() => open.next().value === true);
        const { shape, places } = kubernetesShapes.declare({
          name: 'c',
          ...kubernetesShapes.write(seen, opened),
        } as DeclaredCommand);
        expect(shape).toBe(seen.shape);
        expect(places.map((one) => 'hole' in one)).toEqual(opened);
        const constants = places.map((one, at) => ('constant' in one ? one.constant : seen.values[at]));
        expect(constants).toEqual(seen.values);
      }),
    );
  });
});
