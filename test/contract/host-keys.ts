import { expect, it } from 'vitest';
import {
  type HostKeys,
  hostKeyLines,
  loadAndTell,
  type ToldHostKeys,
} from '#core/protocols/ssh/host-keys.ts';

export interface HostKeyPlace {
  /** The same place each time, as another process would open it. */
  open(): HostKeys & ToldHostKeys;
}

/** What every store of host keys promises. `fresh`: a place where there are none yet. */
export function hostKeysContract(fresh: () => Promise<HostKeyPlace>): void {
  it('makes a key once, and finds it again', async () => {
    const place = await fresh();
    const [made] = [hostKeyLines(await place.open().load()), hostKeyLines(await place.open().load())].map(
      String,
    );
    expect(made).toMatch(/^ssh-ed25519 AAAA/);
    expect(String(hostKeyLines(await place.open().load()))).toBe(made);
  });

  it('gives the same key to all who make one at once', async () => {
    const place = await fresh();
    const loaded = await Promise.all(Array.from({ length: 6 }, () => place.open().load()));
    expect(new Set(loaded.map((keys) => String(hostKeyLines(keys)))).size).toBe(1);
  });

  it('tells nothing before a gateway has, and then what clients are shown', async () => {
    const place = await fresh();
    expect(await place.open().told()).toEqual([]);
    const hostKeys = place.open();
    const keys = await loadAndTell(hostKeys, hostKeys);
    expect(await place.open().told()).toEqual(hostKeyLines(keys));
    await loadAndTell(hostKeys, hostKeys);
    expect(await place.open().told()).toEqual(hostKeyLines(keys));
  });

  it('gives every place a key of its own', async () => {
    const [one, other] = [await fresh(), await fresh()];
    expect(hostKeyLines(await one.open().load())).not.toEqual(hostKeyLines(await other.open().load()));
  });
}
