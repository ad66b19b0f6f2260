import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Circumstances, holds, mayHold, unmet } from '#core/access/conditions.ts';
import type { When } from '#core/access/config.ts';
import { days, isNetwork, isZone } from '#core/access/formats.ts';
import { NOW } from './support.ts';

const about = (more: Partial<Circumstances> = {}): Circumstances => ({
  now: NOW,
  deviceBound: false,
  deviceRegistered: false,
  task: undefined,
  mfa: false,
  ...more,
});
/** [an allow rule's condition holds, a deny rule's may hold] */
const both = (when: When | undefined, circumstances: Circumstances) => [
  holds(when, circumstances),
  mayHold(when, circumstances),
];

describe('no conditions', () => {
  it('always hold', () => {
    expect(both(undefined, about())).toEqual([true, true]);
    expect(both({}, about())).toEqual([true, true]);
  });
});

const V4 = ['10.0.0.0/8', '192.0.2.16/28'];
const V6 = ['2001:db8::/32', 'fe80::/10'];

describe('networks', () => {
  it.each<[address: string, networks: string[], inside: boolean]>([
    ['10.1.2.3', V4, true],
    ['192.0.2.31', V4, true],
    ['192.0.2.32', V4, false],
    ['11.0.0.0', V4, false],
    ['::ffff:10.1.2.3', V4, true],
    ['::ffff:a01:203', V4, true],
    ['::FFFF:10.1.2.3', V4, true],
    ['::ffff:11.1.2.3', V4, false],
    ['2001:db8::1', V4, false],
    ['2001:db8::1', V6, true],
    ['2001:0DB8:0:0:0:0:0:1', V6, true],
    ['2001:db9::1', V6, false],
    ['10.1.2.3', V6, false],
    ['::ffff:10.1.2.3', V6, false],
    ['fe80::1%eth0', V6, true],
    ['fe80::1%25', V6, true],
    ['fe80::1%br-lan.7', V6, true],
    ['2001:db9::1%eth0', V6, false],
    ['127.0.0.1', ['0.0.0.0/0'], true],
    ['127.0.0.1', ['::/0'], false],
    ['::1', ['::/0'], true],
    ['::1', ['0.0.0.0/0'], false],
    ['::ffff:127.0.0.1', ['0.0.0.0/0'], true],
    ['10.0.0.1', ['10.0.0.1/32'], true],
    ['10.0.0.2', ['10.0.0.1/32'], false],
    ['10.9.9.9', ['10.0.0.7/8'], true],
  ])('%s in %j: %s (security case 19)', (network, networks, inside) => {
    expect(both({ networks }, about({ network }))).toEqual([inside, inside]);
    expect(unmet({ networks }, about({ network }))).toEqual(inside ? [] : ['networks']);
  });

  it.each([
    ['nothing', undefined],
    ['an empty text', ''],
    ['a word', 'unknown'],
    ['a name', 'localhost'],
    ['a list, as a header has it', '10.1.2.3, 10.1.2.4'],
    ['a port after it', '10.1.2.3:443'],
    ['brackets', '[2001:db8::1]'],
    ['a short form', '10.1'],
    ['one number', '167838211'],
    ['octal', '012.1.2.3'],
    ['hexadecimal', '0x0a.1.2.3'],
    ['a number too high', '10.1.2.256'],
    ['a line feed', '10.1.2.3\n'],
    ['a space', ' 10.1.2.3'],
    ['other digits', '１0.1.2.3'],
    ['a network', '10.0.0.0/8'],
    ['a zone alone', '%eth0'],
  ])('an address that cannot be read does not let in, and does not let out: %s', (_what, network) => {
    const unknown = network === undefined ? about() : about({ network });
    expect(both({ networks: ['0.0.0.0/0', '::/0'] }, unknown)).toEqual([false, true]);
  });

  it('does not make up for another condition that is known not to hold', () => {
    expect(both({ networks: V4, mfa: 'required' }, about())).toEqual([false, false]);
    expect(both({ networks: V4, mfa: 'required' }, about({ mfa: true }))).toEqual([false, true]);
  });

  it('agrees with arithmetic, for any IPv4 address, also mapped into IPv6', () => {
    const numbers = fc.integer({ min: 0, max: 0xffff_ffff });
    const dotted = (n: number): string => [24, 16, 8, 0].map((bits) => (n >>> bits) & 255).join('.');
    fc.assert(
      fc.property(numbers, fc.integer({ min: 0, max: 32 }), fc.nat(), (range, bits, flip) => {
        const client = (range ^ (flip % 2 === 0 ? flip : flip % 256)) >>> 0;
        const size = 2 ** (32 - bits);
        const inside = Math.floor(range / size) === Math.floor(client / size);
        const when = { networks: [`${dotted(range)}/${bits}`] };
        expect(holds(when, about({ network: dotted(client) }))).toBe(inside);
        expect(holds(when, about({ network: `::ffff:${dotted(client)}` }))).toBe(inside);
      }),
      { numRuns: 500 },
    );
  });

  it('never throws, whatever a peer is said to be', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.ipV4(), fc.ipV6(), fc.ipV4Extended()), (network) => {
        const [held, may] = both({ networks: [...V4, ...V6] }, about({ network }));
        expect(held === true && may === false).toBe(false);
      }),
      { numRuns: 500 },
    );
  });
});

describe('isNetwork', () => {
  it.each(['10.0.0.0/8', '0.0.0.0/0', '10.0.0.1/32', '2001:db8::/32', '::/0', '::1/128'])(
    'takes %s',
    (text) => {
      expect(isNetwork(text)).toBe(true);
    },
  );

  it.each([
    ['no prefix', '10.0.0.0'],
    ['a prefix too long', '10.0.0.0/33'],
    ['a prefix too long for IPv6', '::/129'],
    ['a short form, which some read as 0.0.0.10/8', '10/8'],
    ['octal, which some read as 8.0.0.0/8', '010.0.0.0/8'],
    ['hexadecimal', '0x0a.0.0.0/8'],
    ['a mask', '10.0.0.0/255.0.0.0'],
    ['a space', '10.0.0.0/8 '],
    ['IPv4 in IPv6, which no client would ever match', '::ffff:10.0.0.0/104'],
    ['the same in other words', '::ffff:a00:0/104'],
    ['nothing', ''],
  ])('refuses %s', (_what, text) => {
    expect(isNetwork(text)).toBe(false);
  });
});

const hours = (
  from: string,
  to: string,
  zone = 'UTC',
  on: readonly (typeof days)[number][] = days,
): When => ({
  hours: { days: [...on], from, to, zone },
});
/** Monday, 23 November 2026 is day 23. */
const at = (time: string): Circumstances => about({ now: new Date(`2026-11-${time}Z`) });

describe('hours', () => {
  it.each<[what: string, when: When, time: string, inside: boolean]>([
    ['at the start', hours('09:00', '17:00'), '23T09:00:00.000', true],
    ['a millisecond before', hours('09:00', '17:00'), '23T08:59:59.999', false],
    ['a millisecond before the end', hours('09:00', '17:00'), '23T16:59:59.999', true],
    ['at the end', hours('09:00', '17:00'), '23T17:00:00.000', false],
    ['a whole day, at its start', hours('00:00', '24:00'), '23T00:00:00.000', true],
    ['a whole day, at its end', hours('00:00', '24:00'), '23T23:59:59.999', true],
    ['until the end of a day', hours('22:00', '24:00'), '23T23:59:59.999', true],
    ['until the end of a day, after it', hours('22:00', '24:00', 'UTC', ['mon']), '24T00:00:00.000', false],
    ['until midnight, which is the same', hours('22:00', '00:00', 'UTC', ['mon']), '23T23:59:59.999', true],
    ['until midnight, at it', hours('22:00', '00:00', 'UTC', ['mon']), '24T00:00:00.000', false],
    ['over midnight, before it', hours('22:00', '06:00'), '23T22:00:00.000', true],
    ['over midnight, after it', hours('22:00', '06:00'), '23T05:59:59.999', true],
    ['over midnight, at its end', hours('22:00', '06:00'), '23T06:00:00.000', false],
    ['over midnight, by day', hours('22:00', '06:00'), '23T12:00:00.000', false],
    ['on its day', hours('09:00', '17:00', 'UTC', ['mon']), '23T12:00:00.000', true],
    ['on another day', hours('09:00', '17:00', 'UTC', ['mon']), '24T12:00:00.000', false],
    ['on a Sunday, which comes first', hours('09:00', '17:00', 'UTC', ['sun']), '22T12:00:00.000', true],
    ['the night after its day', hours('22:00', '06:00', 'UTC', ['mon']), '24T05:00:00.000', true],
    ['the night before its day', hours('22:00', '06:00', 'UTC', ['mon']), '23T05:00:00.000', false],
    ['the night from Saturday to Sunday', hours('22:00', '06:00', 'UTC', ['sat']), '22T05:00:00.000', true],
    ['the night from Sunday to Monday', hours('22:00', '06:00', 'UTC', ['sat']), '23T05:00:00.000', false],
    ['in Zurich, an hour later', hours('10:00', '10:01', 'Europe/Zurich'), '23T09:00:00.000', true],
    ['in Zurich, by the clock of UTC', hours('09:00', '09:01', 'Europe/Zurich'), '23T09:00:00.000', false],
    ['in Kolkata, half an hour off', hours('14:30', '14:31', 'Asia/Kolkata'), '23T09:00:00.000', true],
    ['where it is Tuesday by now', hours('00:00', '06:00', 'Asia/Tokyo', ['tue']), '23T16:00:00.000', true],
    [
      'where it is Sunday still',
      hours('18:00', '24:00', 'America/New_York', ['sun']),
      '23T02:00:00.000',
      true,
    ],
  ])('%s', (_what, when, time, inside) => {
    expect(both(when, at(time))).toEqual([inside, inside]);
    expect(unmet(when, at(time))).toEqual(inside ? [] : ['hours']);
  });

  /** On 29 March 2026 Zurich's clocks go from 02:00 to 03:00; on 25 October they go from 03:00 back to 02:00. */
  it.each<[what: string, from: string, to: string, utc: string, inside: boolean]>([
    ['before the lost hour', '01:00', '02:00', '2026-03-29T00:59:59.999Z', true],
    ['after it, the window is over', '01:00', '02:00', '2026-03-29T01:00:00.000Z', false],
    ['a window inside the lost hour never comes', '02:00', '03:00', '2026-03-29T00:59:59.999Z', false],
    ['nor does it come after', '02:00', '03:00', '2026-03-29T01:00:00.000Z', false],
    ['a window over the lost hour goes on', '01:30', '03:30', '2026-03-29T01:29:59.999Z', true],
    ['and ends by the clock', '01:30', '03:30', '2026-03-29T01:30:00.000Z', false],
    ['nine in winter', '09:00', '17:00', '2026-03-28T08:00:00.000Z', true],
    ['nine in summer', '09:00', '17:00', '2026-03-29T07:00:00.000Z', true],
    ['eight in summer', '09:00', '17:00', '2026-03-29T06:59:59.999Z', false],
    ['the doubled hour, the first time', '02:00', '03:00', '2026-10-25T00:30:00.000Z', true],
    ['the doubled hour, the second time', '02:00', '03:00', '2026-10-25T01:30:00.000Z', true],
    ['after the doubled hour', '02:00', '03:00', '2026-10-25T02:00:00.000Z', false],
    ['before the doubled hour', '02:00', '03:00', '2026-10-24T23:59:59.999Z', false],
    ['over midnight into the doubled hour', '22:00', '02:30', '2026-10-25T01:29:59.999Z', true],
    ['over midnight, after it', '22:00', '02:30', '2026-10-25T01:30:00.000Z', false],
  ])('Zurich changes its clocks: %s', (_what, from, to, utc, inside) => {
    const when = hours(from, to, 'Europe/Zurich');
    expect(both(when, about({ now: new Date(utc) }))).toEqual([inside, inside]);
  });

  it('one window and the rest of the day are the whole day, and never overlap', () => {
    const clock = fc
      .integer({ min: 0, max: 1439 })
      .map((minutes) => new Date(minutes * 60_000).toISOString().slice(11, 16));
    const zone = fc.constantFrom('UTC', 'Europe/Zurich', 'Asia/Kolkata', 'America/New_York', 'Pacific/Apia');
    const time = fc.date({
      min: new Date('2026-01-01'),
      max: new Date('2027-01-01'),
      noInvalidDate: true,
    });
    fc.assert(
      fc.property(clock, clock, zone, time, (from, to, zone, now) => {
        fc.pre(from !== to);
        const inside = holds(hours(from, to, zone), about({ now }));
        expect(holds(hours(to, from, zone), about({ now }))).toBe(!inside);
      }),
      { numRuns: 500 },
    );
  });
});

describe('isZone', () => {
  it.each(['UTC', 'Europe/Zurich', 'America/Argentina/Buenos_Aires'])('takes %s', (zone) => {
    expect(isZone(zone)).toBe(true);
  });

  it.each(['', 'Zurich', 'Europe/Zürich', 'Europe/Zurich\n', '__proto__', 'Mars/Olympus'])(
    'refuses %j',
    (zone) => {
      expect(isZone(zone)).toBe(false);
    },
  );
});

describe('device, task and second factor', () => {
  it.each<[what: string, when: When, more: Partial<Circumstances>, met: boolean]>([
    ['a device that is bound', { device: 'bound' }, { deviceBound: true }, true],
    ['no device', { device: 'bound' }, {}, false],
    ['a device, for a rule about none', { device: 'unbound' }, { deviceBound: true }, false],
    ['no device, for a rule about none', { device: 'unbound' }, {}, true],
    ['one of the tasks', { tasks: ['deploy', 'backup'] }, { task: 'backup' }, true],
    ['another task', { tasks: ['deploy'] }, { task: 'backup' }, false],
    ['a task in capitals', { tasks: ['deploy'] }, { task: 'Deploy' }, false],
    ['a part of a task', { tasks: ['deploy'] }, { task: 'dep' }, false],
    ['no task', { tasks: ['deploy'] }, {}, false],
    ['a task with no name', { tasks: ['deploy'] }, { task: '' }, false],
    ['a second factor', { mfa: 'required' }, { mfa: true }, true],
    ['no second factor (security case 3)', { mfa: 'required' }, {}, false],
  ])('%s', (_what, when, more, met) => {
    expect(both(when, about(more))).toEqual([met, met]);
    expect(unmet(when, about(more))).toEqual(met ? [] : Object.keys(when));
  });

  it('names every condition that does not hold, and needs all of them', () => {
    const when: When = {
      ...hours('00:00', '00:01'),
      networks: V4,
      device: 'bound',
      tasks: ['x'],
      mfa: 'required',
    };
    expect(unmet(when, about({ network: '::1' }))).toEqual(['networks', 'hours', 'device', 'tasks', 'mfa']);
    const inside = at('23T00:00:30.000');
    const met = { ...inside, network: '10.0.0.1', deviceBound: true, task: 'x', mfa: true };
    expect(both(when, met)).toEqual([true, true]);
    for (const broken of [
      { network: '::1' },
      { deviceBound: false },
      { task: 'y' },
      { mfa: false },
      { now: NOW },
    ])
      expect(both(when, { ...met, ...broken })).toEqual([false, false]);
  });
});
