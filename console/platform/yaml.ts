/**
 * In place of core/protocols/kubernetes/bodies/yaml.ts, whose parser is a tenth of a player: what kubectl sends as YAML is JSON, and is
 * read without it.
 */
import { readJson } from '#core/protocols/kubernetes/bodies/json.ts';
import { type BodyValue, unreadable } from '#core/protocols/kubernetes/bodies/value.ts';

export function readYaml(bytes: Uint8Array): BodyValue {
  if (!/^\s*[{[]/.test(new TextDecoder().decode(bytes.subarray(0, 64)))) throw unreadable('is YAML');
  return readJson(bytes);
}
