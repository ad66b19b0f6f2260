import type { ChannelReaderFor } from '../channel-reader.ts';

/** Who reads file transfers and repositories. */
export const fileReaderFor: ChannelReaderFor = () => undefined;
