import { CustodyError } from '../errors.ts';

/** Why a session whose recording cannot go on must end. */
export function recordingFailed(cause: unknown): CustodyError {
  if (cause instanceof CustodyError && (cause.code === 'recording-failed' || cause.code === 'task-fenced'))
    return cause;
  return new CustodyError('recording-failed', 'the recording could not be stored, so the session ends', {
    hint: 'nothing runs unrecorded; tell whoever runs the gateway',
    detail: cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause),
    cause,
  });
}
