/** Which of the API server's forms a body has, by its Content-Type (RFC 9110 section 8.3.1). */

export type BodyFormat = 'json' | 'yaml' | 'protobuf' | 'cbor';

const FORMATS: ReadonlyMap<string, BodyFormat> = new Map([
  ['application/json', 'json'],
  ['application/json-patch+json', 'json'],
  ['application/merge-patch+json', 'json'],
  ['application/strategic-merge-patch+json', 'json'],
  ['application/yaml', 'yaml'],
  ['application/apply-patch+yaml', 'yaml'],
  ['application/vnd.kubernetes.protobuf', 'protobuf'],
  ['application/cbor', 'cbor'],
  ['application/apply-patch+cbor', 'cbor'],
  // What a watch is made of, one after the other.
  ['application/cbor-seq', 'cbor'],
]);

/** Of none the API server takes JSON; of one that it does not know it takes nothing. */
export function formatOf(type: string | undefined): BodyFormat | undefined {
  const name = (type ?? '').split(';', 1)[0]!.trim().toLowerCase();
  return name === '' && (type ?? '') === '' ? 'json' : FORMATS.get(name);
}
