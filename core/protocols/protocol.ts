/** What others need to know of a protocol: one value each, in `protocols.ts`. */
import type { Context } from '../access/conditions.ts';
import type { Rule } from '../access/config.ts';

/** Where a credential for a target is, one of these. Whoever reads it knows neither protocol nor target. */
export type SecretReference =
  /** A file on this machine; `what` it holds, in words. */
  | { readonly kind: 'file'; readonly what: string; readonly file: string }
  /** A secret of Secrets Manager, by name or ARN. A password may stand in JSON. `pending`: what a rotation is about to make the current one. */
  | {
      readonly kind: 'secret';
      readonly what: string;
      readonly secret: string;
      readonly stage?: 'pending';
      /** To take for it, of another account. */
      readonly role?: string | undefined;
    }
  /** A token of RDS for this user, made anew for each session; `role`: to take for it, of another account. */
  | { readonly kind: 'rds'; readonly user: string; readonly role?: string | undefined }
  /** A token of EKS for this cluster, by IAM; good for a quarter of an hour, and made anew whenever one is asked for. */
  | {
      readonly kind: 'eks';
      readonly cluster: string;
      readonly region?: string | undefined;
      readonly role?: string | undefined;
    };

/** What of its own part a rule may have against a connection. */
export type PartObstacle =
  /** The rule is for other logins. `login`: the one asked for, where that is known. */
  | { readonly kind: 'login'; readonly wanted: readonly string[]; readonly login?: string }
  | { readonly kind: 'touch' };

/** What a recording leaves out (core/recording/FORMAT.md, "Statements"). */
export interface LeftOut {
  /** Of files the bytes. */
  readonly files?: 'digest';
  /** Kinds of calls whose answers are kept as digests. */
  readonly responses?: string[];
  /** Resources whose values are withheld. */
  readonly withhold?: string[];
}

/** What every target has. */
interface AnyTarget {
  readonly name: string;
  readonly protocol: string;
}

/** One protocol, as data and pure functions. `T` is a target of it. */
export interface ProtocolFacts<T extends AnyTarget = AnyTarget> {
  /** As custody.yaml, statements and folders have it. */
  readonly name: T['protocol'];
  /** As people write it. */
  readonly label: string;
  /** Its own, where servers of it listen. */
  readonly port: number;
  /** The keys of a target's credential that name a file, for words. */
  readonly fileKey: string;
  /** The logins that a client may choose from; none where the target has one login that nobody chooses. */
  logins(target: T): readonly string[];
  /** What the protocol's own part of a rule has against a connection like this one; nothing where the rule has no such part. */
  obstacles(rule: Rule, target: T, context: Context): readonly PartObstacle[];
  /**
   * The login that a session is for; undefined where the target has one that nobody chooses. `asked`: as the client chose it. Throws
   * `access-denied` where the target has no such login.
   */
  loginFor(target: T, asked: string | undefined): string | undefined;
  /** What a rule lets pass in a session, in words, where the protocol's own part says so. */
  passes?(rule: Rule): readonly string[];
  /** What of a rule a session has from its opening to its end: where the rule says something else by now, the session is over. */
  bound?(rule: Rule): unknown;
  /** All credentials of a target. One that the gateway makes itself is none. */
  secrets(target: T): readonly SecretReference[];
  /**
   * The credential that a session needs; undefined where the gateway makes it itself. `login`: as the client chose it.
   * Throws `access-denied` where the target has no such login.
   */
  secretFor(target: T, login: string | undefined): SecretReference | undefined;
  /** Throws `config-invalid` for a credential that no session could log in with. The message completes "the secret …", and holds no part of it. */
  refuseUnusable(reference: SecretReference, text: string): void;
  /** Files beside custody.yaml that say whom to trust: copied to wherever a gateway runs. */
  trustFiles(target: T): readonly string[];
  /** The same target with other names for its files: credentials and trust. */
  withFiles(target: T, rename: (file: string) => string): T;
  /** What recordings of it do not hold: said in the open statement, before the first of it passes. */
  leftOut(target: T): LeftOut;
  /** Throws `format-invalid` for commands whose approval, as exact ones, could not hold. */
  refuseUnapprovable(texts: readonly string[]): void;
  /** A text as a list of commands, as whoever asks for exact ones writes them. */
  commandsIn(text: string): readonly string[];
}
