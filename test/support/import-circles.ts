/** A file and what it imports, by path. */
export type Imports = ReadonlyMap<string, readonly string[]>;

/**
 * The groups of files that import each other, directly or by way of others, types included; empty when there is no circle.
 * Tarjan's strongly connected components: https://doi.org/10.1137/0201010.
 */
export function importCircles(imports: Imports): string[][] {
  const search = new CircleSearch(imports);
  for (const path of imports.keys()) search.visit(path);
  return search.circles;
}

class CircleSearch {
  readonly circles: string[][] = [];
  readonly #imports: Imports;
  readonly #number = new Map<string, number>();
  readonly #lowest = new Map<string, number>();
  readonly #open: string[] = [];

  constructor(imports: Imports) {
    this.#imports = imports;
  }

  visit(path: string): void {
    if (this.#number.has(path)) return;
    this.#number.set(path, this.#number.size);
    this.#lowest.set(path, this.#number.get(path)!);
    this.#open.push(path);
    for (const to of this.#imports.get(path) ?? []) this.#follow(path, to);
    if (this.#lowest.get(path) === this.#number.get(path)) this.#close(path);
  }

  #follow(path: string, to: string): void {
    if (!this.#imports.has(to)) return;
    this.visit(to);
    if (this.#open.includes(to)) {
      this.#lowest.set(path, Math.min(this.#lowest.get(path)!, this.#lowest.get(to)!));
    }
  }

  #close(path: string): void {
    const group = this.#open.splice(this.#open.indexOf(path));
    const importsItself = this.#imports.get(path)!.includes(path);
    if (group.length > 1 || importsItself) this.circles.push(group.sort());
  }
}
