import { Budget, weightOfValues } from './memory.ts';
import { isCopy, joined, type Load, type Operation } from './operations.ts';
import { Sequence } from './sequence.ts';

/** What operations have in common: those that are alike, but for texts and values, are one. `load`: when it has neither. */
type Shape = Omit<Operation, 'at'> & { readonly isHeavy: boolean };

interface Known {
  readonly shape: Shape;
  readonly key: string;
  readonly weight: number;
  /** How many of the queue have it. */
  uses: number;
}

interface Moment {
  readonly at: number;
  count: number;
}

const SHAPE_BYTES = 300;
/** Formats that many operations have alike. */
const LIGHT_MAX = 8;
const LOAD_BYTES = 200;
/** More moments than these are not told apart. */
const MOMENTS_MAX = 50_000;

/**
 * What waits for the server, in the order of sending. Texts and values are kept as long as the budget lasts; what kinds of
 * messages there are, and under which names, for much longer: that is what the reader finds its place by.
 */
export class Pipeline {
  readonly #budget: Budget;
  /** Of shapes: there is room for some when there is none for texts. */
  readonly #shapes: Budget;
  readonly #copyMax: number;
  readonly #order: Sequence;
  #known: (Known | undefined)[] = [];
  readonly #numbers = new Map<string, number>();
  #free: number[] = [];
  readonly #loads = new Queue<Load>();
  readonly #moments = new Queue<Moment>();
  #first: Operation | undefined;
  #last: Operation | undefined;

  /** `bytes`: of texts, values and names; `cells`: operations that are not like those before; `copyMax`: bytes of CopyData to keep. */
  constructor(bytes: number, cells: number, copyMax: number) {
    this.#budget = new Budget(bytes * 0.75);
    this.#shapes = new Budget(bytes * 0.25);
    this.#copyMax = copyMax;
    this.#order = new Sequence(cells);
  }

  get length(): number {
    return this.#order.length;
  }

  /** False when there is no room even for its kind: it is then not in the queue. */
  push(operation: Operation): boolean {
    if (this.#joinsLast(operation)) return true;
    const kept = this.#withLoad(operation);
    const number = this.#numberOf(kept);
    if (number === undefined || !this.#order.push(number)) return this.#refused(kept, number);
    this.#known[number]!.uses++;
    if (isHeavy(kept)) this.#loads.push(kept.load!);
    this.#noteMoment(kept.at);
    this.#last = kept;
    return true;
  }

  first(): Operation | undefined {
    if (this.#first !== undefined) return this.#first;
    const number = this.#order.first();
    if (number === undefined) return undefined;
    this.#first = this.#operation(number, this.#moments.get(0)!.at, 0);
    return this.#first;
  }

  shift(): Operation | undefined {
    const operation = this.first();
    if (operation === undefined) return undefined;
    this.#forget(this.#order.shift()!);
    if (isHeavy(operation)) this.#budget.giveBack(weightOf(this.#loads.shift()!));
    const moment = this.#moments.get(0)!;
    if (--moment.count === 0) this.#moments.shift();
    this.#first = undefined;
    if (this.length === 0) this.#last = undefined;
    return operation;
  }

  /** All of them, from the first on. */
  *operations(): Generator<Operation> {
    let load = 0;
    let moment = 0;
    let ofMoment = 0;
    for (const number of this.#order.values()) {
      const { at, count } = this.#moments.get(moment)!;
      const operation = this.#operation(number, at, load);
      yield operation;
      if (isHeavy(operation)) load++;
      if (++ofMoment < count) continue;
      moment++;
      ofMoment = 0;
    }
  }

  /** The first that is no data of a COPY. */
  firstButCopies(): Operation | undefined {
    for (const operation of this.operations()) if (!isCopy(operation)) return operation;
    return undefined;
  }

  hasSync(): boolean {
    for (const { kind } of this.operations()) if (kind === 'sync') return true;
    return false;
  }

  #operation(number: number, at: number, load: number): Operation {
    const { isHeavy: hasOwn, ...shape } = this.#known[number]!.shape;
    return { ...shape, at, load: hasOwn ? this.#loads.get(load) : shape.load };
  }

  /** CopyData after CopyData: the data of a client that is far ahead must not cost what its messages are many. */
  #joinsLast({ kind, load }: Operation): boolean {
    const last = this.#last?.kind === 'copy-data' ? this.#last.load?.copy : undefined;
    if (kind !== 'copy-data' || last === undefined || load?.copy === undefined) return false;
    const copy = joined(last, load.copy, this.#copyMax);
    if (!this.#budget.take(copy.sample.length - last.sample.length)) return false;
    this.#loads.replaceLast({ copy });
    this.#last = { ...this.#last!, load: { copy } };
    this.#first = undefined;
    return true;
  }

  #withLoad(operation: Operation): Operation {
    const { load } = operation;
    if (load === undefined || !isHeavy(operation) || this.#budget.take(weightOf(load))) return operation;
    return { ...operation, load: undefined, dropped: true };
  }

  #numberOf(operation: Operation): number | undefined {
    const shape = shapeOf(operation);
    const key = keyOf(shape);
    const there = this.#numbers.get(key);
    if (there !== undefined) return there;
    const weight = SHAPE_BYTES + key.length * 2;
    if (!this.#shapes.take(weight)) return undefined;
    const number = this.#free.pop() ?? this.#known.length;
    this.#known[number] = { shape, key, weight, uses: 0 };
    this.#numbers.set(key, number);
    return number;
  }

  #refused(operation: Operation, number: number | undefined): false {
    const { load } = operation;
    if (load !== undefined && isHeavy(operation)) this.#budget.giveBack(weightOf(load));
    if (number !== undefined && this.#known[number]!.uses === 0) this.#remove(number);
    return false;
  }

  #forget(number: number): void {
    const known = this.#known[number]!;
    if (--known.uses === 0) this.#remove(number);
  }

  #remove(number: number): void {
    const { key, weight } = this.#known[number]!;
    this.#known[number] = undefined;
    this.#numbers.delete(key);
    this.#free.push(number);
    this.#shapes.giveBack(weight);
  }

  #noteMoment(at: number): void {
    const last = this.#moments.last();
    if (last !== undefined && (last.at === at || this.#moments.length >= MOMENTS_MAX)) last.count++;
    else this.#moments.push({ at, count: 1 });
  }
}

/** First in, first out; taking the first does not move the rest. */
class Queue<Item> {
  #items: Item[] = [];
  #head = 0;

  get length(): number {
    return this.#items.length - this.#head;
  }

  push(item: Item): void {
    this.#items.push(item);
  }

  get(at: number): Item | undefined {
    return this.#items[this.#head + at];
  }

  last(): Item | undefined {
    return this.length > 0 ? this.#items.at(-1) : undefined;
  }

  replaceLast(item: Item): void {
    this.#items[this.#items.length - 1] = item;
  }

  shift(): Item | undefined {
    if (this.length === 0) return undefined;
    const item = this.#items[this.#head++];
    if (this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }
}

/** Its load is its own: texts, values, data. */
function isHeavy({ load }: Operation): boolean {
  if (load === undefined) return false;
  const { text, values, types, formats, resultFormats, copy } = load;
  const lists = [values, types, formats];
  const isLight = text === undefined && copy === undefined && lists.every((list) => !list?.length);
  return !isLight || (resultFormats?.length ?? 0) > LIGHT_MAX;
}

function shapeOf(operation: Operation): Shape {
  const { kind, statement, portal, what, bytes, dropped, load } = operation;
  const heavy = isHeavy(operation);
  return { kind, statement, portal, what, bytes, dropped, isHeavy: heavy, load: heavy ? undefined : load };
}

function keyOf({ kind, statement, portal, what, bytes, dropped, isHeavy: heavy, load }: Shape): string {
  const light = load === undefined ? '' : `f${load.resultFormats?.join()}`;
  return [kind, what, bytes, dropped, heavy, light, statement, portal].join('\0');
}

function weightOf({ text, types, formats, values, resultFormats, copy }: Load): number {
  const numbers = (types?.length ?? 0) + (formats?.length ?? 0) + (resultFormats?.length ?? 0);
  const bytes = (text?.bytes.length ?? 0) + (copy?.sample.length ?? 0);
  return LOAD_BYTES + bytes + numbers * 8 + weightOfValues(values ?? []);
}
