import type { ChannelGates, ChannelStart, GateVerdict } from '../channels/gate.ts';
import type { fileRecording, SshRule } from '../schema.ts';
import { FileRights } from './file-rights.ts';
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
 * What looks at files in a session. With `files` in the rule only SFTP passes, and what `besides` names (security case 4: scp's own
 * protocol cannot ask where a path leads, so it is not let pass where paths decide).
 */
export function fileGates({ files, recording, random }: FileGatesOptions): ChannelGates {
  const digests = recording === 'digest';
  const rights = new FileRights(files);
  return (start, { pty }) => {
    if (start.kind === 'subsystem' && start.name === 'sftp') {
      if (files === undefined && !digests) return undefined;
      if (pty) return { words: 'custody: sftp does not go through a terminal' };
      return { gate: new SftpGate({ rights, digests, random }) };
    }
    if ((files !== undefined || digests) && isScp(start)) return OLD_SCP;
    return files === undefined || besides(files, start) ? undefined : FILES_ALONE;
  };
}

const OLD_SCP: GateVerdict = {
  words: "custody: files pass by sftp alone here: leave out scp's -O, or use sftp",
};
const FILES_ALONE: GateVerdict = {
  words: 'custody: the rule of this session is for files alone: use sftp or scp',
};

function isScp(start: ChannelStart): boolean {
  return start.kind === 'exec' && SCP.test(start.command);
}

function besides(files: NonNullable<SshRule['files']>, start: ChannelStart): boolean {
  return start.kind !== 'subsystem' && (files.besides ?? []).includes(start.kind);
}
