import { Message } from '#core/protocols/ssh/channels/messages.ts';
import type { RecordedFrame } from '#core/recording/read.ts';
import { READERS } from '#core/replay/readers.ts';
import type { SshStep } from '#core/replay/ssh/step.ts';
import type { Oracle, Sent } from '../oracle.ts';
import { sessionOf } from '../oracle.ts';
import type { SshTarget } from './target.ts';

/** What ssh wrote and a program at the target got, against what is on the tapes. */
export function sshOracle({ got }: Pick<SshTarget, 'got'>): Oracle {
  return {
    protocol: 'ssh',
    executed: async (sent) => {
      const log = got();
      return new Map(sent.filter(({ tag }) => log.has(tag)).map(({ tag }) => [tag, log.get(tag)!]));
    },
    said: (frames) => dataOf(frames, 'client'),
    answered: (frames) => dataOf(frames, 'target').replaceAll('got ', ''),
    problems: async (frames, sent) => [
      ...prefixProblems(dataOf(frames, 'client'), sent, [...got().keys()], dataOf(frames, 'target')),
      ...(await readerProblems(frames)),
    ],
  };
}

/** A tape has the beginning of what was said, without a hole and without anything else. */
function prefixProblems(
  input: string,
  sent: readonly Sent[],
  got: readonly string[],
  output: string,
): string[] {
  const session = sessionOf(input.split('\n', 1)[0]!);
  const written = sent.filter(({ tag }) => sessionOf(tag) === session).map(({ tag }) => `${tag}\n`);
  const answered = got.filter((tag) => sessionOf(tag) === session).map((tag) => `got ${tag}\n`);
  const problems: string[] = [];
  if (!written.join('').startsWith(input)) problems.push('the tape has of the client what it did not say');
  // Nobody answers what the tape does not have of the client, where it has nothing.
  if (!answered.join('').startsWith(output)) problems.push('the tape has of the target what it did not say');
  return problems;
}

async function readerProblems(frames: readonly RecordedFrame[]): Promise<string[]> {
  const problems: string[] = [];
  const read = { input: 0, output: 0 };
  const steps = READERS.get('ssh')!.steps(asyncOf(frames), 'whole', () => undefined);
  for await (const { step } of steps) {
    const { kind, text, program } = step as SshStep;
    if (kind === 'damaged') problems.push(`damaged: ${text}`);
    read.input += program?.input?.bytes ?? 0;
    read.output += program?.output?.bytes ?? 0;
  }
  const lengths = { input: dataOf(frames, 'client').length, output: dataOf(frames, 'target').length };
  for (const way of ['input', 'output'] as const)
    if (read[way] !== lengths[way])
      problems.push(`the reader has ${read[way]} bytes of ${way}, the tape ${lengths[way]}`);
  return problems;
}

/** The data of all messages that are whole: one channel a session. FORMAT.md, read anew. */
function dataOf(frames: readonly RecordedFrame[], stream: RecordedFrame['stream']): string {
  const parts = frames.filter((frame) => frame.stream === stream).map(({ payload }) => payload);
  const bytes = Buffer.concat(parts);
  const data: Buffer[] = [];
  for (let at = 0; at + 4 <= bytes.length; ) {
    const message = bytes.subarray(at + 4, at + 4 + bytes.readUInt32BE(at));
    const isWhole = message.length === bytes.readUInt32BE(at);
    if (isWhole && message[0] === Message.data) data.push(message.subarray(9));
    at += 4 + bytes.readUInt32BE(at);
  }
  return Buffer.concat(data).toString('latin1');
}

async function* asyncOf<T>(items: Iterable<T>): AsyncGenerator<T> {
  yield* items;
}
