/** What a YAML body says, where all readers agree. What kubectl sends as YAML is JSON. */
import { readPlainYaml } from '#core/protocols/kubernetes/bodies/plain-yaml.ts';
import { readJsonText } from './json.ts';
import { type BodyValue, unreadable, utf8 } from './value.ts';

/** What the API server takes of any body. */
const YAML_MAX_BYTES = 3 << 20;
/** Line breaks to YAML 1.1 alone: a text that has one is folded there. */
const DOUBTFUL = /[\u0085\u2028\u2029\ufeff]/;

export function readYaml(bytes: Uint8Array): BodyValue {
  if (bytes.length > YAML_MAX_BYTES) throw unreadable('is too long for YAML');
  const text = utf8(bytes);
  if (DOUBTFUL.test(text)) throw unreadable('has line breaks of YAML 1.1 alone');
  return /^\s*[{[]/.test(text) ? readFlow(text) : readPlainYaml(text);
}

/** JSON is YAML, as far as it goes. */
function readFlow(text: string): BodyValue {
  const value = readJsonText(text);
  // A quoted merge key is no merge to go-yaml, and one to others.
  if (/"<<"\s*:/.test(text)) throw unreadable('has a merge key');
  return value;
}
