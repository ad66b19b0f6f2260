import type { SshStep } from './step.ts';
import type { ChannelTapeRequest, Note, Speaker, SshEvent, TapeChannel } from './tape-events.ts';

export type DataEvent = Extract<SshEvent, { kind: 'data' }>;
export type ToldEvent = Extract<SshEvent, { kind: 'told' }>;

/** Why a channel did not come about. */
export interface Refusal {
  readonly by: Speaker;
  readonly code: number;
  readonly message: string;
}

/** Makes steps of what the tape says of one channel. */
export interface ChannelSteps {
  readonly channel: TapeChannel;
  request(request: ChannelTapeRequest, at: number): SshStep[];
  answered(request: ChannelTapeRequest, at: number): SshStep[];
  data(event: DataEvent, at: number): SshStep[];
  told(event: ToldEvent, at: number): SshStep[];
  note(note: Note, at: number): SshStep[];
  /** Steps that take longer to find; asked after each frame, and with `wholly` before `end`. */
  settle?(wholly: boolean): Promise<SshStep[]>;
  /** `refused`: it was never open. */
  end(how: 'closed' | 'cut-off' | Refusal, at: number): SshStep[];
}
