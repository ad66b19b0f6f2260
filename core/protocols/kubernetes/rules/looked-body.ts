/** What of a body rules look at. */
import { bodyNames, type PodFacts, podFacts } from '../bodies/facts.ts';
import { readBody } from '../bodies/read.ts';
import type { JudgedBody } from '../judge.ts';

export type LookedBody =
  /** The words complete "the body …". */
  | { readonly kind: 'unreadable'; readonly why: string }
  | {
      readonly kind: 'read';
      readonly name: string | undefined;
      /** The server makes the name: this, and something behind it. */
      readonly generateName: string | undefined;
      /** Absent where it has no pod, and no template of one. */
      readonly pod: PodFacts | undefined;
    };

/** A body of which something is not known is as good as one that says nothing: the cluster may know it. */
export function lookAt({ bytes, type, encoding }: JudgedBody): LookedBody {
  const read = readBody(bytes, type, encoding);
  if (read.kind === 'unreadable') return read;
  if (read.unknown.length > 0) return { kind: 'unreadable', why: 'has fields that are not known here' };
  const { name, generateName } = bodyNames(read.value);
  return { kind: 'read', name, generateName, pod: podFacts(read.value) };
}
