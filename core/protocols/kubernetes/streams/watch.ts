import type { CustodyError } from '#core/errors.ts';
import type { StreamForm } from './form.ts';

/** What the relay has to know of an upgraded stream while it carries it: where the gateway may speak, to whom, and how a command ended. */
export interface StreamWatch {
  /** Between two frames of the target's: what the gateway says would not be read as part of one. */
  readonly maySpeak: boolean;
  /** What the command's exit status was, where the target has said it. */
  readonly exitCode: number | undefined;
  fromClient(bytes: Uint8Array, length: number): void;
  fromTarget(bytes: Uint8Array, length: number): void;
  /** How many of the target's next bytes go to the first place where the gateway may speak; `length` where there is none in them. */
  untilBoundary(bytes: Uint8Array, length: number): number;
  /** Tells the client why it ends, to stand at a place where the gateway may speak. Undefined: there are no words for it. */
  goodbye(error: CustodyError): Uint8Array | undefined;
}

export function streamWatch(_form: StreamForm): StreamWatch {
  return {
    maySpeak: false,
    exitCode: undefined,
    fromClient: () => undefined,
    fromTarget: () => undefined,
    untilBoundary: (_bytes, length) => length,
    goodbye: () => undefined,
  };
}
