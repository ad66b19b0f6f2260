import type { CustodyError } from '../errors.ts';
import type { ProvedKey } from './credential.ts';
import type { Principal, TokenVerifier } from './principal.ts';

/** Somebody with a credential that was good: the person, whoever acts for them, and the key that their connection proved. */
export type StandingQuestion = Principal & { readonly proved?: ProvedKey };

/** Why somebody who was let in has to go. */
export interface Ending {
  readonly reason: 'revoked';
  /** For the client. A login is refused with it as well. */
  readonly error: CustodyError;
}

/** What became known of people after their tokens were issued. */
export interface Standing {
  /**
   * Why these may not be here any more, in their order; undefined for whoever may. It looks anew each time: what was durable a second
   * before is in the answer. Whoever acts for somebody goes with them. Rejects when it cannot know: that never reads as "may stay".
   */
  over(people: readonly StandingQuestion[]): Promise<readonly (Ending | undefined)[]>;
}

/** Whoever one of them sends away has to go. */
export function anyStanding(...standings: readonly Standing[]): Standing {
  return {
    over: async (people) => {
      const answers = await Promise.all(standings.map((standing) => standing.over(people)));
      return people.map((_, at) =>
        answers.map((endings) => endings[at]).find((ending) => ending !== undefined),
      );
    },
  };
}

/** A verifier that refuses tokens of whoever had to go. It asks only for tokens that are good otherwise. */
export function standingVerifier(verifier: TokenVerifier, standing: Standing): TokenVerifier {
  return {
    verify: async (token, device) => {
      const principal = await verifier.verify(token, device);
      const [ending] = await standing.over([principal]);
      if (ending !== undefined) throw ending.error;
      return principal;
    },
  };
}
