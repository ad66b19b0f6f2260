import type { ActivityOf } from '#core/ocsf/classes.ts';
import type { StepPlace, StepShape } from '#core/ocsf/step-shape.ts';
import type { StepFacts } from '../facts.ts';
import type { ReadStep } from '../reader.ts';
import type { FileOperation, ShownFile } from './files/file-step.ts';
import type { ShownAddress, SshStep } from './step.ts';

/** A program that ran is a process, a transfer is of a file, a connection through the session a tunnel; all else is the session's. */
export function sshEvent(read: ReadStep, facts: StepFacts, place: StepPlace): StepShape {
  const step = read.step as SshStep;
  switch (step.kind) {
    case 'exec':
    case 'command':
      return processOf(step, facts, place);
    case 'file':
      return step.file === undefined ? sessionPart(step) : fileOf(step.file);
    case 'forward':
      return tunnelOf(step, place);
    case 'login':
    case 'shell':
    case 'subsystem':
    case 'session':
    case 'git':
    case 'listen':
    case 'request':
    case 'said':
    case 'note':
    case 'damaged':
    case 'end':
      return sessionPart(step);
  }
}

function processOf(
  { channel, command, program, exitStatus }: SshStep,
  { text }: StepFacts,
  place: StepPlace,
) {
  const line = text ?? command?.text ?? '';
  const code = exitStatus ?? program?.exitStatus;
  return {
    class: 'process_activity',
    activity: 1,
    fields: {
      process: {
        // The target tells no process id: the step stands for it, and for its channel.
        uid: place.uid,
        cmd_line: line,
        ...named(line.trim().split(/\s+/)[0]),
        ...(channel === undefined ? {} : { xattributes: { channel } }),
      },
      ...(code === undefined ? {} : { exit_code: code }),
    },
  } as const;
}

function named(name: string | undefined) {
  return name === undefined || name === '' ? {} : { name: basename(name) || name };
}

const BY_OPERATION: Readonly<Record<FileOperation, ActivityOf<'file_activity'>>> = {
  read: 2,
  write: 3,
  sync: 99,
  list: 2,
  remove: 4,
  rmdir: 4,
  mkdir: 1,
  rename: 5,
  hardlink: 1,
  symlink: 1,
  setstat: 6,
  copy: 1,
  look: 8,
  unknown: 99,
};
const [REGULAR, FOLDER, LINK] = [1, 2, 7];
const TYPES: Readonly<Partial<Record<FileOperation, number>>> = {
  list: FOLDER,
  rmdir: FOLDER,
  mkdir: FOLDER,
  symlink: LINK,
};
const SHA_256 = { algorithm: 'SHA-256', algorithm_id: 3 } as const;

function fileOf({ operation, path, resolved, newPath, size, sha256 }: ShownFile): StepShape {
  const at = fileAt((resolved ?? path).text, TYPES[operation] ?? REGULAR);
  return {
    class: 'file_activity',
    activity: BY_OPERATION[operation],
    fields: {
      file: {
        ...at,
        ...(size === undefined ? {} : { size }),
        ...(sha256 === undefined ? {} : { hashes: [{ ...SHA_256, value: sha256 }] }),
      },
      ...(newPath === undefined ? {} : { file_result: fileAt(newPath.text, at.type_id) }),
    },
  };
}

/** The last part of a path, whether or not it ends as a folder's. */
function basename(path: string): string {
  return path.split('/').findLast((part) => part !== '') ?? '';
}

function fileAt(path: string, type: number) {
  return { name: basename(path) || path || '.', path, type_id: type };
}

function tunnelOf({ forward }: SshStep, { session }: StepPlace): StepShape {
  const sent = forward?.sent?.bytes ?? 0;
  const received = forward?.received?.bytes ?? 0;
  return {
    class: 'tunnel_activity',
    activity: 1,
    fields: {
      tunnel_type_id: 99,
      tunnel_type: forward?.kind ?? 'other',
      session: { uid: session },
      ...(forward?.to === undefined ? {} : { dst_endpoint: endpointOf(forward.to) }),
      traffic: { bytes: sent + received, bytes_in: received, bytes_out: sent },
    },
  };
}

function endpointOf({ host, port }: ShownAddress) {
  return { name: host, ...(port === undefined ? {} : { port }) };
}

function sessionPart({ kind, outcome, login, channel }: SshStep): StepShape {
  return {
    class: 'ssh_activity',
    activity: activityOf(kind, outcome, login?.accepted ?? false),
    fields: channel === undefined ? {} : { connection_info: { direction_id: 1, uid: String(channel) } },
  };
}

function activityOf(
  kind: SshStep['kind'],
  outcome: SshStep['outcome'],
  isIn: boolean,
): ActivityOf<'ssh_activity'> {
  if (kind === 'login') return isIn ? 1 : 4;
  if (kind === 'end') return 2;
  if (outcome === 'denied' || outcome === 'refused') return 5;
  if (kind === 'listen') return 7;
  return ['shell', 'subsystem', 'session', 'git'].includes(kind) ? 6 : 99;
}
