import { scpCommand } from '#core/protocols/ssh/files/scp-command.ts';
import type { ChannelReaderFor } from '../channel-reader.ts';
import { scpReader } from './scp-reader.ts';
import { sftpReader } from './sftp-reader.ts';

/** Who reads file transfers and repositories. */
export const fileReaderFor: ChannelReaderFor = (program) => {
  if (program.kind === 'subsystem') return program.command.text === 'sftp' ? sftpReader(program) : undefined;
  const command = Buffer.from(program.bytes).toString();
  const scp = scpCommand(command);
  if (scp !== undefined) return scpReader(program, scp);
  return undefined;
};
