import { CustodyError } from '#core/errors.ts';
import { SandboxDesk } from '#core/sandboxes/desk.ts';
import type { Progress, SandboxMaker, SandboxStore } from '#core/sandboxes/ports.ts';
import type { Sandbox } from '#core/sandboxes/sandbox.ts';

/** Sandboxes in memory. */
export class MemorySandboxes implements SandboxStore {
  readonly all = new Map<string, Sandbox>();

  async create(sandbox: Sandbox): Promise<void> {
    if (this.all.has(sandbox.id)) throw new CustodyError('already-exists', 'there is such a sandbox already');
    this.all.set(sandbox.id, sandbox);
  }

  async change(sandbox: Sandbox): Promise<void> {
    if (this.all.get(sandbox.id)?.version !== sandbox.version - 1)
      throw new CustodyError('conflict', 'somebody else changed the sandbox');
    this.all.set(sandbox.id, sandbox);
  }

  async get(id: string): Promise<Sandbox> {
    const found = this.all.get(id);
    if (found === undefined) throw new CustodyError('not-found', 'no such sandbox');
    return found;
  }

  async present(): Promise<readonly Sandbox[]> {
    return [...this.all.values()]
      .filter(({ gone }) => !gone)
      .toSorted((one, other) => (one.id < other.id ? -1 : 1));
  }
}

/** A maker whose databases are made, and gone, when the test says so. */
export class SteeredMaker implements SandboxMaker {
  readonly there = new Map<string, Progress>();
  readonly removing = new Set<string>();

  async make({ id }: Sandbox): Promise<Progress> {
    const progress = this.there.get(id) ?? { state: 'making' };
    this.there.set(id, progress);
    return progress;
  }

  async remove(id: string): Promise<boolean> {
    if (!this.there.has(id)) return true;
    if (this.removing.has(id)) this.there.delete(id);
    this.removing.add(id);
    return !this.there.has(id);
  }

  async existing(): Promise<readonly string[]> {
    return [...this.there.keys()];
  }
}

/** For a server of which no test asks for sandboxes. */
export function noSandboxes(now: () => Date = () => new Date()) {
  const sandboxes = new MemorySandboxes();
  let ids = 0;
  const newId = (): string => `019ad029-1c00-7a61-9f43-${String((ids += 1)).padStart(12, '0')}`;
  return { sandboxes, desk: new SandboxDesk({ sandboxes, now, newId }), wake: async () => undefined };
}
