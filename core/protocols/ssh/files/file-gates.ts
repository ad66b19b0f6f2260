import type { ChannelGates, ChannelStart, GateVerdict } from '../channels/gate.ts';
import type { fileRecording, SshRule } from '../schema.ts';
import { FileRights } from './file-rights.ts';
import { scpCommand } from './scp-command.ts';
import { ScpGate } from './scp-gate.ts';
import { SftpGate } from './sftp-gate.ts';

export interface FileGatesOptions {
  /** Of the rule that decided the session. */
  readonly files: SshRule['files'];
  /** Of the target. */
  readonly recording: ReturnType<typeof fileRecording.parse>;
  /** A number below 2^32 that the client cannot foresee. */
  readonly random: () => number;
}

/** A command whose first word is scp, whatever stands before its name or around it. */
const SCP = /^\s*(?:\S*[/\\'"])?scp['"]?(?:\s|$)/;

/**
 * What looks at files in a session. With `files` in the rule only SFTP passes, what `besides` names, and scp's own protocol where no
 * path decides (security case 4: it cannot ask where a path leads, as symbolic links at the target may lead it anywhere).
 */
export function fileGates({ files, recording, random }: FileGatesOptions): ChannelGates {
  const digests = recording === 'digest';
  const rights = new FileRights(files);
  return (start, { pty }) => {
    if (start.kind === 'subsystem' && start.name === 'sftp') {
      if (files === undefined && !digests) return undefined;
      if (pty) return { words: 'sftp does not go through a terminal' };
      return { gate: new SftpGate({ rights, digests, random }) };
    }
    if ((files !== undefined || digests) && isScp(start))
      return scpGate(start.command, { rights, digests, pty });
    return files === undefined || besides(files, start) ? undefined : FILES_ALONE;
  };
}

const SFTP_ALONE: GateVerdict = { words: "scp passes here by sftp alone: leave out scp's -O, or use sftp" };
const FILES_ALONE: GateVerdict = {
  words: 'the rule of this session is for files alone: use sftp or scp',
};

function scpGate(
  asked: string,
  { rights, digests, pty }: { readonly rights: FileRights; readonly digests: boolean; readonly pty: boolean },
): GateVerdict {
  const command = scpCommand(asked);
  if (command === undefined) return SFTP_ALONE;
  if (pty) return { words: 'scp does not go through a terminal' };
  const side = command.role === 'sink' ? 'upload' : 'download';
  switch (rights.level(side)) {
    case 'all':
      return { gate: new ScpGate(command, digests) };
    case 'some':
      return SFTP_ALONE;
    case 'none':
      return { words: `the rule of this session allows no ${side}` };
  }
}

function isScp(start: ChannelStart): start is Extract<ChannelStart, { kind: 'exec' }> {
  return start.kind === 'exec' && SCP.test(start.command);
}

function besides(files: NonNullable<SshRule['files']>, start: ChannelStart): boolean {
  return start.kind !== 'subsystem' && (files.besides ?? []).includes(start.kind);
}
