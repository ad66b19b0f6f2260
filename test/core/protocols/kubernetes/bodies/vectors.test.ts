import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type BodyRead, readBody } from '#core/protocols/kubernetes/bodies/read.ts';
import { type BodyValue, isList, isObject } from '#core/protocols/kubernetes/bodies/value.ts';

/** Objects of each kind, as Kubernetes' own encoders wrote them (test/vectors/kubernetes/bodies/make). */
interface Vector {
  readonly kind: string;
  readonly json: BodyValue;
  readonly protobuf: string;
  readonly cbor?: string;
  readonly yaml?: string;
}

const vectors = readFileSync(
  new URL('../../../../vectors/kubernetes/bodies/objects.jsonl', import.meta.url),
  'utf8',
)
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as Vector);

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

function valueIn(read: BodyRead): BodyValue {
  if (read.kind === 'unreadable') throw new Error(`unreadable: the body ${read.why}`);
  expect(read.unknown).toEqual([]);
  return read.value;
}

const protobufOf = ({ protobuf }: Vector): BodyRead =>
  readBody(Buffer.from(protobuf, 'base64'), 'application/vnd.kubernetes.protobuf', undefined);

describe("objects of Kubernetes' own encoders", () => {
  it.each(vectors)('$kind: protobuf says what JSON says', (vector) => {
    expect(withoutNothing(valueIn(protobufOf(vector)))).toEqual(withoutNothing(vector.json));
  });

  it.each(vectors.filter(({ cbor }) => cbor !== undefined))('$kind: CBOR says what JSON says', (vector) => {
    const read = readBody(Buffer.from(vector.cbor!, 'base64'), 'application/cbor', undefined);
    expect(withoutNothing(valueIn(read))).toEqual(withoutNothing(vector.json));
  });

  it.each(vectors.filter(({ yaml }) => yaml !== undefined))('$kind: YAML says what JSON says', (vector) => {
    const read = readBody(Buffer.from(vector.yaml!), 'application/yaml', undefined);
    expect(valueIn(read)).toEqual(vector.json);
  });
});
