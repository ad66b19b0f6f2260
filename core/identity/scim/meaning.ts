/** What a change of a directory means for the people in it. */
import { type Leaf, leafBytes } from '../../ledger/leaf.ts';
import type { Mark, Write } from './store.ts';
import { addressesOf, type DirectoryUser } from './user.ts';

/** An issuer's directory. */
export interface Directory {
  /** The issuer's name in custody.yaml. */
  readonly name: string;
  readonly issuer: string;
  /** Whether its groups count. */
  readonly groupsCount: boolean;
  /** The names of all directories in the file: a mark of the same issuer under none of them is of this one, under its name of before. */
  readonly names?: readonly string[];
}

export type Meaning = Pick<Write, 'marked' | 'unmarked' | 'owed'>;

/** Marks of others that one change may free of an address that is somebody else's now. */
const FREED_MAX = 20;

/**
 * Whoever the directory has known and does not know as active is marked. `marks`: all that there are. An address that somebody active
 * has now is not held against those who had it before.
 */
export function meaningFor(
  directory: Directory,
  before: DirectoryUser | undefined,
  after: DirectoryUser | undefined,
  marks: readonly Mark[],
  at: string,
): Meaning {
  const own = marks.filter((mark) => isOf(mark, directory));
  const isMarked = (externalId: string): boolean => own.some((mark) => mark.externalId === externalId);
  const gone = before !== undefined && before.externalId !== after?.externalId ? [before] : [];
  const off = after?.active === false ? [...gone, after] : gone;
  const on = after?.active === true ? [after] : [];
  const emails = new Set(on.flatMap(addressesOf));
  const freed = (mark: Mark): Mark => ({ ...mark, emails: mark.emails.filter((one) => !emails.has(one)) });
  const ids = [...off, ...on].map(({ externalId }) => externalId);
  const others = own.filter((mark) => !ids.includes(mark.externalId));
  const leaf = (kind: Leaf['kind'] & `person-${string}`, user: DirectoryUser): Uint8Array =>
    leafBytes({ type: 'custody/leaf/1', kind, at, issuer: directory.issuer, user: user.externalId });
  return {
    marked: [
      ...off.map((user) => freed(markOf(directory, user))),
      ...others
        .filter((mark) => mark.emails.some((email) => emails.has(email)))
        .slice(0, FREED_MAX)
        .map(freed),
    ],
    unmarked: own.filter((mark) => on.some(({ externalId }) => externalId === mark.externalId)),
    owed: [
      ...off
        .filter(({ externalId }) => !isMarked(externalId))
        .map((user) => leaf('person-deactivated', user)),
      ...on.filter(({ externalId }) => isMarked(externalId)).map((user) => leaf('person-reactivated', user)),
    ],
  };
}

function isOf(mark: Mark, { name, issuer, names }: Directory): boolean {
  return mark.directory === name || (mark.issuer === issuer && names?.includes(mark.directory) === false);
}

function markOf({ name, issuer }: Directory, user: DirectoryUser): Mark {
  return { directory: name, issuer, externalId: user.externalId, emails: addressesOf(user) };
}
