/** What the API says of a session beside what its verified statements say. */
import type { Opening } from '#core/recording/verify/verify.ts';
import type { EvidenceFacts } from '#core/recording/verify/report.ts';
import type { Session } from '../api/types.ts';
import { personText } from '../parts/person-text.ts';

export interface Compared {
  readonly name: string;
  readonly stated: string;
  /** Undefined: the API says nothing of it. */
  readonly told: string | undefined;
  readonly differs: boolean;
}

type Pair = readonly [name: string, stated: string | undefined, told: string | undefined];

/** What is in neither is left out. `open`: the statement, where the evidence vouches for it. */
export function compared(
  facts: EvidenceFacts,
  open: Opening['open'],
  session: Session | undefined,
): readonly Compared[] {
  const pairs: readonly Pair[] = [...beginning(facts, open, session), ...ending(facts, session)];
  return pairs.flatMap(([name, stated, told]) => {
    if (stated === undefined && told === undefined) return [];
    const differs = session !== undefined && stated !== told;
    return [{ name, stated: stated ?? 'nothing', told, differs }];
  });
}

function beginning(
  { session: id, principal, target, startedAt }: EvidenceFacts,
  open: Opening['open'],
  session: Session | undefined,
): readonly Pair[] {
  return [
    ['Session', id, session?.id],
    ['Who', personText(principal), session && personText(session.principal)],
    ['Subject', principal.subject, session?.principal.subject],
    ['Issuer', principal.issuer, session?.principal.issuer],
    ['Target', target.name, session?.target],
    ['Protocol', target.protocol, session?.protocol],
    ['Login', open?.target.login, session?.login],
    ['Client', open?.client.address, session?.client.address],
    ['Rule', open?.grant.rule, session?.rule],
    ['Request', open?.grant.request, session?.grant],
    ['Run', open?.task?.run, session?.run?.id],
    ['Task', open?.task?.name, session?.run?.task],
    ['Started', startedAt, session?.startedAt],
  ];
}

function ending(facts: EvidenceFacts, session: Session | undefined): readonly Pair[] {
  const outcome = session?.outcome;
  if (facts.endedAt === undefined && outcome === undefined) return [];
  const isEnded = facts.endedAt !== undefined;
  const counted = (n: number): string | undefined => (isEnded ? String(n) : undefined);
  return [
    ['Ended', facts.endedAt, outcome?.endedAt],
    ['Reason', facts.reason, outcome?.reason],
    [
      'Sealed from the journal',
      isEnded ? yesNo(facts.recovered) : undefined,
      outcome && yesNo(outcome.recovered),
    ],
    ['Segments', counted(facts.segments), outcome && String(outcome.segments)],
    ['Frames', counted(facts.frames), outcome && String(outcome.frames)],
    ['Bytes', counted(facts.bytes), outcome && String(outcome.bytes)],
  ];
}

function yesNo(is: boolean): string {
  return is ? 'yes' : 'no';
}
