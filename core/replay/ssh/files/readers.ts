import type { ChannelReaderFor } from '../channel-reader.ts';
import { sftpReader } from './sftp-reader.ts';

/** Who reads file transfers and repositories. */
export const fileReaderFor: ChannelReaderFor = (program) => {
  if (program.kind === 'subsystem') return program.command.text === 'sftp' ? sftpReader(program) : undefined;
  return undefined;
};
