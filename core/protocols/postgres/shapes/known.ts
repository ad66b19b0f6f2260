import type { Analysis, Analyst } from './analysis.ts';
import { beyondCaps } from './caps.ts';
import { Generations } from './generations.ts';
import { type Literal, type Skeleton, skeletonOf } from './skeleton.ts';
import { link, type Template } from './template.ts';

/** A text that was looked at: its statements, and the literals that fill them. */
export interface LookedAt {
  readonly templates: readonly Template[];
  readonly literals: readonly Literal[];
  readonly trace: string | undefined;
}

export type Looked = LookedAt | { readonly why: string };

/** Texts of one skeleton: by those of its literals that are part of the shape. */
interface Known {
  readonly fixed: readonly number[];
  readonly variants: Map<string, readonly Template[]>;
}

/** Characters of skeletons, and some for what is known of each: twice that, at most, is remembered. */
const WEIGHT_MAX = 4 << 20;
const ENTRY_WEIGHT = 500;
const VARIANTS_MAX = 32;

/**
 * What texts are by their skeletons, so that the parser is asked once for each. A skeleton is used where the first text that had
 * it showed that the scanner's literals are the parser's, with the same values; the rest of a text decides all else of its tree.
 */
export class KnownSkeletons {
  readonly #analyst: Analyst;
  readonly #known = new Generations<Known>(WEIGHT_MAX);

  constructor(analyst: Analyst) {
    this.#analyst = analyst;
  }

  look(text: string): Looked | Promise<Looked> {
    // What is known must say the same of a text as the parser would: a result is derived by whoever wants to, without what is known here.
    const why = beyondCaps(text);
    if (why !== undefined) return { why };
    const skeleton = skeletonOf(text);
    if (skeleton !== undefined) {
      const templates = this.#templates(skeleton);
      if (templates !== undefined) return { templates, literals: skeleton.literals, trace: skeleton.trace };
    }
    const analysis = this.#analyst.analyse(text);
    if (!(analysis instanceof Promise)) return this.#learn(analysis, skeleton);
    return analysis.then((one) => this.#learn(one, skeleton));
  }

  #templates(skeleton: Skeleton): readonly Template[] | undefined {
    const known = this.#known.get(skeleton.key);
    return known?.variants.get(variantOf(known.fixed, skeleton.literals));
  }

  #learn(analysis: Analysis, skeleton: Skeleton | undefined): Looked {
    if ('why' in analysis) return { why: analysis.why };
    if (skeleton !== undefined && analysis.isLarge !== true) this.#remember(analysis, skeleton);
    return unlinked(analysis);
  }

  #remember({ statements }: Extract<Analysis, { statements: unknown }>, skeleton: Skeleton): void {
    const linked = link(statements, skeleton);
    if (linked === undefined) return;
    const { fixed, templates } = linked;
    const known = this.#known.get(skeleton.key);
    const variant = variantOf(fixed, skeleton.literals);
    const weight = skeleton.key.length + variant.length + ENTRY_WEIGHT * (1 + templates.length);
    if (known === undefined) {
      this.#known.set(skeleton.key, { fixed, variants: new Map([[variant, templates]]) }, weight);
    } else if (known.fixed.join() === fixed.join() && known.variants.size < VARIANTS_MAX) {
      known.variants.set(variant, templates);
      this.#known.set(skeleton.key, known, weight);
    }
  }
}

function variantOf(fixed: readonly number[], literals: readonly Literal[]): string {
  return fixed.length === 0 ? '' : fixed.map((at) => literals[at]!.value.text).join('\0');
}

/** The statements with their own literals, which nothing fills. */
function unlinked({ statements, trace }: Extract<Analysis, { statements: unknown }>): LookedAt {
  const literals: Literal[] = [];
  const fillerOf = (source: (typeof statements)[number]['places'][number]): Template['fillers'][number] => {
    if ('parameter' in source) return source;
    if ('list' in source) return { list: source.list.map(fillerOf) };
    return 'array' in source ? { array: fillerOf(source.array) } : { constant: source.literal };
  };
  const templates = statements.map((statement) => ({ statement, fillers: statement.places.map(fillerOf) }));
  return { templates, literals, trace };
}
