import type { StepFacts, TouchedFile } from '../../facts.ts';
import type { SshOutcome } from '../step.ts';
import type { FileOperation, ShownFile, ShownGit } from './file-step.ts';

const CHANGES: Readonly<Record<FileOperation, boolean>> = {
  read: false,
  write: true,
  sync: true,
  list: false,
  remove: true,
  rmdir: true,
  mkdir: true,
  rename: true,
  hardlink: true,
  symlink: true,
  setstat: true,
  copy: true,
  look: false,
  unknown: true,
};
/** The new path is what is made of the old one, which stays as it is. */
const LEAVES_OLD: ReadonlySet<FileOperation> = new Set(['hardlink', 'symlink', 'copy']);

type Facts = Pick<StepFacts, 'isWrite' | 'files' | 'values'>;

/** What did not go on changes nothing; of a transfer that failed, a part may be there. */
export function fileFacts(file: ShownFile, outcome: SshOutcome | undefined): Facts {
  const { operation, direction, transferred = 0 } = file;
  const changes = CHANGES[operation] && !(operation === 'sync' && direction === 'download');
  const isDone = outcome !== 'denied' && outcome !== 'refused' && (outcome !== 'failed' || transferred > 0);
  return { isWrite: changes && isDone, files: filesOf(file, changes), values: [] };
}

function filesOf(file: ShownFile, changes: boolean): readonly TouchedFile[] {
  const { operation, path, resolved, newPath, name, transferred, sha256, whole } = file;
  const content = {
    ...(transferred !== undefined && { bytes: transferred }),
    ...(sha256 !== undefined && whole !== false && { sha256 }),
  };
  const how = changes && !LEAVES_OLD.has(operation) ? 'written' : 'read';
  const names = [path.text, resolved?.text, name && `${path.text.replace(/\/$/, '')}/${name.text}`];
  const old = distinct(names).map((one) => ({ path: one, how, ...content }) as const);
  return newPath === undefined ? old : [...old, { path: newPath.text, how: 'written' }];
}

/** A file has one path in the client's words, and perhaps another where they lead. */
function distinct(paths: readonly (string | undefined)[]): readonly string[] {
  return [...new Set(paths.filter((one) => one !== undefined && one !== ''))] as string[];
}

export function gitFacts(
  { operation, repository, refs, pack }: ShownGit,
  outcome: SshOutcome | undefined,
): Facts {
  const isPush = operation === 'push';
  const isDone = outcome !== 'denied' && outcome !== 'refused';
  const ids = refs.flatMap(({ name, from, to }) => [name?.text, from, to]);
  return {
    isWrite: isPush && isDone && refs.length > 0,
    files: [
      {
        path: repository.text,
        how: isPush ? 'written' : 'read',
        ...(pack && { bytes: pack.bytes }),
      },
    ],
    values: ids.filter((one) => one !== undefined),
  };
}
