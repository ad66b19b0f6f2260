import { type FileHandle, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TableSink } from '#core/replay/export/exports.ts';
import type { Output } from './output.ts';

const MEMORY_MAX = 8 << 20;
const READ_BYTES = 1 << 16;

/** Rows of a result until it is known to be the one: in memory, and what is more in a file that only its owner reads. */
export class Spool implements TableSink {
  #held: string[] = [];
  #characters = 0;
  #folder: string | undefined;
  #file: FileHandle | undefined;

  async begin(): Promise<void> {
    this.#held = [];
    this.#characters = 0;
    await this.#file?.truncate(0);
    await this.#file?.close();
    this.#file = undefined;
  }

  async text(text: string): Promise<void> {
    this.#held.push(text);
    this.#characters += text.length;
    if (this.#characters < MEMORY_MAX) return;
    this.#folder ??= await mkdtemp(join(tmpdir(), 'custody-'));
    this.#file ??= await open(join(this.#folder, 'rows'), 'w+', 0o600);
    await this.#file.writeFile(this.#held.join(''));
    this.#held = [];
    this.#characters = 0;
  }

  async into(output: Output): Promise<void> {
    const buffer = Buffer.alloc(READ_BYTES);
    for (let at = 0; this.#file !== undefined; ) {
      const { bytesRead } = await this.#file.read(buffer, 0, READ_BYTES, at);
      if (bytesRead === 0) break;
      await output.bytes(buffer.subarray(0, bytesRead));
      at += bytesRead;
    }
    await output.text(this.#held.join(''));
  }

  async end(): Promise<void> {
    await this.#file?.close();
    if (this.#folder !== undefined) await rm(this.#folder, { recursive: true, force: true });
  }
}
