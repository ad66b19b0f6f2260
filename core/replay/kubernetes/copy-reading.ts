/** Files that kubectl cp moves: it runs tar in the container, and its archive is the command's input or output. */
import { shown } from '../shown.ts';
import type { KubernetesReplayLimits, KubernetesStep, ShownFile } from './step.ts';
import { TarReader } from './tar-reader.ts';

const PATH_MAX = 4096;

type Direction = ShownFile['direction'];

/** Which way an archive goes by a command's words; `tar cf - …` (also within `sh -c`), `tar -xmf - …`. */
export function copyOf(words: readonly string[]): Direction | undefined {
  const line = words.join(' ');
  const found = /(?:^|[\s/;|&])tar\s+-?(?<options>[A-Za-z]+)/.exec(line);
  const options = found?.groups?.['options'] ?? '';
  if (!options.includes('f')) return undefined;
  if (options.includes('x')) return 'upload';
  return options.includes('c') ? 'download' : undefined;
}

/** A step for each of the first files. What is no archive after all says nothing. */
export class CopyReading {
  readonly #direction: Direction;
  readonly #number: number;
  readonly #most: number;
  readonly #tar = new TarReader();
  #told = 0;
  files = 0;

  constructor(direction: Direction, number: number, { told }: Pick<KubernetesReplayLimits, 'told'>) {
    this.#direction = direction;
    this.#number = number;
    this.#most = told;
  }

  take(direction: Direction, bytes: Uint8Array, at: number): KubernetesStep[] {
    return direction === this.#direction ? this.#steps(this.#tar.push(bytes), at) : [];
  }

  /** One that is not whole. */
  end(at: number): KubernetesStep[] {
    return this.#steps(this.#tar.unfinished(), at);
  }

  #steps(entries: ReturnType<TarReader['push']>, at: number): KubernetesStep[] {
    const steps: KubernetesStep[] = [];
    for (const { path, type, size, sha256 } of entries) {
      this.files += 1;
      if (this.#told >= this.#most) continue;
      this.#told += 1;
      const file = {
        path: shown(path, PATH_MAX),
        type,
        direction: this.#direction,
        size,
        ...(sha256 !== undefined && { sha256 }),
      };
      const outcome = sha256 === undefined && type === 'file' ? 'cut' : 'completed';
      steps.push({ kind: 'file', at, took: 0, channel: this.#number, outcome, file });
    }
    return steps;
  }
}
