import { scpCommand } from '#core/protocols/ssh/files/scp-command.ts';
import type { ChannelReaderFor } from '../channel-reader.ts';
import { gitCommand } from './git-command.ts';
import { gitReader } from './git-reader.ts';
import { rsyncCommand, rsyncReader } from './rsync-reader.ts';
import { scpReader } from './scp-reader.ts';
import { sftpReader } from './sftp-reader.ts';

/** Who reads file transfers and repositories. */
export const fileReaderFor: ChannelReaderFor = (program) => {
  if (program.kind === 'subsystem') return program.command.text === 'sftp' ? sftpReader(program) : undefined;
  const command = Buffer.from(program.bytes).toString();
  const scp = scpCommand(command);
  if (scp !== undefined) return scpReader(program, scp);
  const git = gitCommand(command);
  if (git !== undefined) return gitReader(program, git);
  const rsync = rsyncCommand(command);
  return rsync === undefined ? undefined : rsyncReader(program, rsync);
};
