import { expect, test } from 'vitest';
import type { ChannelGate, GateHands } from '#core/protocols/ssh/channels/gate.ts';
import { about, data, Message, windowAdjust } from '#core/protocols/ssh/channels/messages.ts';
import { CLIENT, exec, OPEN_TERMS, TARGETS, told, withSession } from './stand.ts';

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

function gated(on: Partial<ChannelGate>): ReturnType<typeof withSession> {
  const gate: ChannelGate = {
    fromClient: (bytes, hands) => hands.toTarget(bytes),
    fromTarget: (bytes, hands, error) => hands.toClient(bytes, error),
    ended: () => undefined,
    closed: () => undefined,
    ...on,
  };
  const stood = withSession({ ...OPEN_TERMS, gates: () => ({ gate }) });
  stood.client(exec('sftp-server'));
  stood.target(about(Message.success, CLIENT));
  stood.happened.length = 0;
  return stood;
}

test('what passes whole goes on as it came', () => {
  const stood = gated({});
  stood.client(data(TARGETS, Buffer.from('abc')));
  expect(stood.happened.map(({ what }) => what)).toEqual(['tape>client', 'target<']);
});

test('what came is on the tape before anything that follows from it, secrets as ranges', () => {
  const stood = gated({
    fromClient: (bytes, hands) => {
      hands.say(Buffer.from('no'));
      hands.drop('client', bytes.length);
      hands.withhold(1, 3);
    },
  });
  stood.client(data(TARGETS, Buffer.from('abcd')));
  expect(stood.happened.map(({ what }) => what)).toEqual(['tape>client', 'say', 'say']);
  expect(stood.happened[0]!.withheld).toEqual([{ from: 10, to: 12 }]);
});

test('what never goes on is given back to the window once the reserve is full', () => {
  const stood = gated({ fromClient: (bytes, hands) => hands.drop('client', bytes.length) });
  for (let sent = 0; sent < 3; sent += 1) stood.client(data(TARGETS, new Uint8Array(1000)));
  const back = stood.toClient().map(told);
  expect(back).toEqual([
    `windowAdjust ${CLIENT} 1000`,
    `windowAdjust ${CLIENT} 1000`,
    `windowAdjust ${CLIENT} 1000`,
  ]);
});

test("the gateway's words wait for room, and what comes after them waits behind", () => {
  const big = new Uint8Array(1 << 20);
  const say = (hands: GateHands): void => {
    hands.say(big);
    hands.say(big.subarray(0, 900_000));
  };
  const stood = gated({ fromClient: (_, hands) => say(hands) });
  stood.client(data(TARGETS, Buffer.from('x')));
  const said = (): number => stood.toClient().reduce((sum, payload) => sum + payload.length - 9, 0);
  expect(said()).toBe(big.length);
  stood.target(data(CLIENT, Buffer.from('behind')));
  stood.target(about(Message.eof, CLIENT));
  expect(stood.toClient()).toEqual([]);
  stood.client(windowAdjust(TARGETS, 2_000_000));
  const last = stood.toClient().map(told);
  expect(last.slice(-2)).toEqual([`data ${CLIENT} behind`, `eof ${CLIENT}`]);
});

test('a peer that makes the gateway speak and takes nothing is cut off', () => {
  const stood = gated({ fromClient: (bytes, hands) => hands.say(new Uint8Array(bytes.length * 20)) });
  expect(() => {
    for (let sent = 0; sent < 100; sent += 1) stood.client(data(TARGETS, new Uint8Array(4000)));
  }).toThrow('does not take');
});

test('a gate closes its channel with words, and hears of the close once', () => {
  let closed = 0;
  const stood = gated({
    fromClient: (bytes, hands) => hands.close(`not ${text(bytes)}`, 1),
    closed: () => void (closed += 1),
  });
  stood.client(data(TARGETS, Buffer.from('this')));
  expect(stood.toClient().map(told)).toEqual([
    `extendedData ${CLIENT} 1 custody: not this\n`,
    `request ${CLIENT} exit-status 1`,
    `eof ${CLIENT}`,
  ]);
  stood.client(data(TARGETS, Buffer.from('more')));
  stood.target(about(Message.close, CLIENT));
  stood.client(about(Message.close, TARGETS));
  stood.connection.end();
  expect(closed).toBe(1);
});
