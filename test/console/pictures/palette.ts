/** A PNG of a browser's with a palette in place of its colours (W3C PNG, third edition): of a page, a quarter of the bytes. */
import { crc32, deflateSync, inflateSync } from 'node:zlib';

const SIGNATURE = 8;
const COLOURS_MAX = 256;

interface Picture {
  readonly width: number;
  readonly height: number;
  /** Three bytes a pixel. */
  readonly pixels: Buffer;
}

/** `png`: 8 bits a channel, without transparency, not interlaced. The colours that are used most stay as they are. */
export function withPalette(png: Buffer): Buffer {
  const { width, height, pixels } = pictureOf(png);
  const palette = paletteOf(pixels);
  const rows = Buffer.alloc((width + 1) * height);
  const places = new Map(palette.map((colour, place) => [colour, place]));
  for (let at = 0; at < width * height; at += 1) {
    const colour = pixels.readUIntBE(at * 3, 3);
    const place = places.get(colour) ?? nearest(colour, palette);
    places.set(colour, place);
    rows[Math.floor(at / width) * (width + 1) + 1 + (at % width)] = place;
  }
  const head = Buffer.from(png.subarray(SIGNATURE + 8, SIGNATURE + 21));
  head[9] = 3;
  const colours = Buffer.from(palette.flatMap((colour) => channelsOf(colour)));
  const chunks = [
    chunk('IHDR', head),
    chunk('PLTE', colours),
    chunk('IDAT', deflateSync(rows, { level: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ];
  return Buffer.concat([png.subarray(0, SIGNATURE), ...chunks]);
}

function paletteOf(pixels: Buffer): readonly number[] {
  const counts = new Map<number, number>();
  for (let at = 0; at < pixels.length; at += 3) {
    const colour = pixels.readUIntBE(at, 3);
    counts.set(colour, (counts.get(colour) ?? 0) + 1);
  }
  const most = [...counts].toSorted((a, b) => b[1] - a[1]);
  return most.slice(0, COLOURS_MAX).map(([colour]) => colour);
}

function nearest(colour: number, palette: readonly number[]): number {
  const wanted = channelsOf(colour);
  const far = (one: number): number =>
    channelsOf(one).reduce((sum, channel, at) => sum + (channel - wanted[at]!) ** 2, 0);
  let best = 0;
  for (let at = 1; at < palette.length; at += 1) if (far(palette[at]!) < far(palette[best]!)) best = at;
  return best;
}

function channelsOf(colour: number): readonly number[] {
  return [colour >> 16, (colour >> 8) & 255, colour & 255];
}

function pictureOf(png: Buffer): Picture {
  const [width, height] = [png.readUInt32BE(16), png.readUInt32BE(20)];
  const data: Buffer[] = [];
  for (let at = SIGNATURE; at < png.length; ) {
    const length = png.readUInt32BE(at);
    if (png.toString('latin1', at + 4, at + 8) === 'IDAT') data.push(png.subarray(at + 8, at + 8 + length));
    at += length + 12;
  }
  return { width, height, pixels: unfiltered(inflateSync(Buffer.concat(data)), width * 3, height) };
}

function unfiltered(raw: Buffer, stride: number, height: number): Buffer {
  const pixels = Buffer.alloc(stride * height);
  for (let row = 0; row < height; row += 1) {
    const filter = raw[row * (stride + 1)]!;
    for (let at = 0; at < stride; at += 1) {
      const place = row * stride + at;
      const left = at < 3 ? 0 : pixels[place - 3]!;
      const up = row === 0 ? 0 : pixels[place - stride]!;
      const corner = at < 3 || row === 0 ? 0 : pixels[place - stride - 3]!;
      pixels[place] = raw[row * (stride + 1) + 1 + at]! + guess(filter, left, up, corner);
    }
  }
  return pixels;
}

/** Section 9.2. */
function guess(filter: number, left: number, up: number, corner: number): number {
  switch (filter) {
    case 1:
      return left;
    case 2:
      return up;
    case 3:
      return (left + up) >> 1;
    case 4:
      return paeth(left, up, corner);
    default:
      return 0;
  }
}

function paeth(left: number, up: number, corner: number): number {
  const [a, b, c] = [left, up, corner].map((one) => Math.abs(left + up - corner - one)) as [
    number,
    number,
    number,
  ];
  if (a <= b && a <= c) return left;
  return b <= c ? up : corner;
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, sum]);
}
