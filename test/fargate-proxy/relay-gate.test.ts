import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Gate, RelayHands } from '#proxy/relay.ts';
import { HeldRecorder, Stand, until } from '#test/support/relay-stand.ts';

/** Keeps what the client sends until the test lets it go on. */
class LateGate implements Gate {
  full = false;
  readonly kept: Uint8Array[] = [];
  stopped = 0;
  left: (() => void) | undefined;
  hands!: RelayHands;

  readonly make = (hands: RelayHands): Gate => {
    this.hands = hands;
    return this;
  };

  fromClient(bytes: Uint8Array): void {
    this.kept.push(Uint8Array.from(bytes));
  }

  fromTarget(bytes: Uint8Array): void {
    this.hands.pass(bytes);
  }

  whenLeft(left: () => void): void {
    this.left = left;
  }

  stop(): number {
    this.stopped += 1;
    return 0;
  }

  goOn(): void {
    for (const bytes of this.kept.splice(0)) this.hands.forward(bytes);
  }
}

describe.each(['windowed', 'write-ahead'] as const)('a relay with a gate, %s', (durability) => {
  let recorder: HeldRecorder;
  let gate: LateGate;
  let there: Stand;
  beforeEach(async () => {
    recorder = new HeldRecorder();
    gate = new LateGate();
    const tape = await recorder.open({ durability, windowMs: 250 });
    there = await Stand.start(tape, 'early ', gate.make);
  });
  afterEach(() => {
    there.close();
    recorder.tapes.stop();
  });

  it('forwards what the gate lets go on, and write-ahead not before it is durable', async () => {
    there.client.write('late');
    await until(() => gate.kept.length === 2);
    await there.roundTrip();
    expect(there.reached).toBe('');
    gate.goOn();
    await there.roundTrip();
    expect(there.reached).toBe(durability === 'write-ahead' ? '' : 'early late');
    while (there.reached !== 'early late') {
      if (recorder.commits.length > 0) recorder.makeDurable(1);
      await new Promise(setImmediate);
    }
  });

  it('forwards also what has long been durable, with nothing recorded since', async () => {
    recorder.tapes.handOver();
    recorder.makeDurable(recorder.commits.length);
    gate.goOn();
    await until(() => there.reached !== '');
    expect(there.reached).toBe('early ');
  });

  it('says and asks in the gateway’s name; the recording has what was said, not what was asked', async () => {
    const heard = once(there.client, 'data');
    gate.hands.say(Buffer.from('no'));
    gate.hands.ask(Buffer.from('why'));
    expect(String(await heard)).toBe('no');
    await until(() => there.reached === 'why');
    recorder.tapes.handOver();
    // The frames' payload: what the client sent, and what was said.
    expect(recorder.makeDurable(recorder.commits.length)).toBe('early '.length + 'no'.length);
  });

  it('does not read a client for which the gate is full, until it is drained', async () => {
    there.client.write('a');
    await until(() => gate.kept.length === 2);
    gate.full = true;
    there.client.write('b');
    await until(() => gate.kept.length === 3);
    there.client.write('c');
    await there.roundTrip();
    gate.hands.drained();
    await there.roundTrip();
    expect(gate.kept).toHaveLength(3);
    gate.full = false;
    gate.hands.drained();
    await until(() => gate.kept.length === 4);
  });

  it('lets the gate end first when the client has gone, and stops it at the end', async () => {
    there.client.end();
    await until(() => gate.left !== undefined);
    expect(there.ended).toEqual([]);
    gate.left!();
    await until(() => there.ended.length > 0);
    expect([there.ended, gate.stopped]).toEqual([['client'], 1]);
  });
});
