/** Changes as a directory sends them with PATCH (RFC 7644 section 3.5.2). */
import { type Path, parsePath } from './filter.ts';
import { type Given, membersOf, messageOf } from './input.ts';
import { scimRefusal } from './refusal.ts';

export const PATCH_SCHEMA = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
const OPERATIONS_MAX = 1_000;

export interface Change {
  readonly op: 'add' | 'replace' | 'remove';
  readonly path: Path;
  readonly value: unknown;
}

/** Each change is about one attribute; one without a path is as many as its value has attributes. Throws a refusal. */
export function parsePatch(body: unknown): readonly Change[] {
  const { operations } = messageOf(body, PATCH_SCHEMA);
  if (!Array.isArray(operations) || operations.length === 0)
    throw scimRefusal('invalidSyntax', 'the body has no Operations');
  if (operations.length > OPERATIONS_MAX)
    throw scimRefusal('tooMany', `there are more than ${OPERATIONS_MAX} operations: send them in parts`);
  return operations.flatMap((operation) => changesOf(membersOf(operation, 'an operation')));
}

function changesOf({ op, path, value }: Given): readonly Change[] {
  const kind = kindOf(op);
  if (path !== undefined && path !== null && path !== '') {
    if (typeof path !== 'string') throw scimRefusal('invalidPath', 'a path is no text');
    return [{ op: kind, path: parsePath(path), value }];
  }
  if (kind === 'remove') throw scimRefusal('noTarget', 'a removal has no path');
  // Names of its members are paths too: Entra writes "name.givenName" there.
  const members = Object.entries(membersOf(value, 'the value of an operation'));
  return members.map(([name, member]) => ({ op: kind, path: parsePath(name), value: member }));
}

/** Entra writes "Add", "Replace" and "Remove". */
function kindOf(op: unknown): Change['op'] {
  const kind = typeof op === 'string' ? op.toLowerCase() : '';
  if (kind === 'add' || kind === 'replace' || kind === 'remove') return kind;
  throw scimRefusal('invalidSyntax', 'an operation is none of add, replace, remove');
}

/** The attribute itself, not a part of it or some of its values. Throws `invalidPath`. */
export function isWhole({ path }: Change): true {
  if (path.part === undefined && path.filter === undefined) return true;
  throw scimRefusal('invalidPath', `${path.attribute} has no parts`);
}
