import { printable } from '../../printable.ts';
import type { Finding, FindingCode, Report } from './report.ts';

/** Of one kind: what somebody can put into a folder a million times is said a hundred times, and then counted. */
const NAMED_MAX = 100;

/** Collects findings. */
export class Findings {
  readonly #named: Finding[] = [];
  readonly #counts = new Map<FindingCode, number>();
  /** The first finding of a kind that was only counted. */
  readonly #more = new Map<FindingCode, Finding>();

  readonly report: Report = (code, object, message) => {
    const count = (this.#counts.get(code) ?? 0) + 1;
    this.#counts.set(code, count);
    if (count > NAMED_MAX + 1) return;
    const finding = { code, object: printable(object), message };
    if (count <= NAMED_MAX) this.#named.push(finding);
    else this.#more.set(code, finding);
  };

  /** In the order in which they were found, then how many more of each kind there are. */
  all(): readonly Finding[] {
    const counted = [...this.#more.values()].map(({ code, object }) => {
      const message = `${this.#counts.get(code)! - NAMED_MAX} more of this kind, the first of them about ${object}`;
      return { code, object, message };
    });
    return [...this.#named, ...counted];
  }
}
