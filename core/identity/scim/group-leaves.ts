/** The ledger's leaves of groups that count in rules. */
import { leafBytes } from '../../ledger/leaf.ts';
import type { DirectoryGroup } from './group.ts';
import type { Directory } from './meaning.ts';
import { scimRefusal } from './refusal.ts';

/** Bytes of names in one leaf, which has 4096 for all. */
const NAMES_BYTES = 2_000;
/** Leaves of one change: it is one write. */
const LEAVES_MAX = 80;

/** Ids of users, turned into the names by which their tokens are known. */
export type Naming = (ids: readonly string[]) => Promise<readonly string[]>;

/** Who came into the group and who left it. Throws `tooMany` for more than one write can hold. */
export async function groupLeaves(
  { issuer, groupsCount }: Directory,
  before: DirectoryGroup | undefined,
  after: DirectoryGroup | undefined,
  naming: Naming,
  at: string,
): Promise<readonly Uint8Array[]> {
  if (!groupsCount) return [];
  const isRenamed = before?.displayName !== after?.displayName;
  const kept = (other: DirectoryGroup | undefined): ReadonlySet<string> =>
    new Set(isRenamed ? [] : other?.members);
  const [were, are] = [kept(before), kept(after)];
  const left = (before?.members ?? []).filter((id) => !are.has(id));
  const came = (after?.members ?? []).filter((id) => !were.has(id));
  const leaves = [
    ...inParts(await naming(left)).map((users) => ['left', before!.displayName, users] as const),
    ...inParts(await naming(came)).map((users) => ['came', after!.displayName, users] as const),
  ];
  if (leaves.length > LEAVES_MAX)
    throw scimRefusal('tooMany', 'this changes more members than one request may: send them in parts');
  return leaves.map(([how, group, users]) =>
    leafBytes({ type: 'custody/leaf/1', kind: 'group-changed', at, issuer, group, how, users }),
  );
}

function inParts(names: readonly string[]): string[][] {
  const parts: string[][] = [];
  let room = 0;
  for (const name of names) {
    const bytes = Buffer.byteLength(JSON.stringify(name)) + 1;
    if (bytes > room) {
      parts.push([]);
      room = NAMES_BYTES;
    }
    parts.at(-1)!.push(name);
    room -= bytes;
  }
  return parts;
}
