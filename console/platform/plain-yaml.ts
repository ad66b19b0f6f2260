/** In place of core/protocols/kubernetes/bodies/plain-yaml.ts: its library is as large as the rest of a player, and what kubectl sends as YAML is JSON. */
import { CustodyError } from '#core/errors.ts';

export function readPlainYaml(): never {
  throw new CustodyError('format-invalid', 'is YAML');
}
