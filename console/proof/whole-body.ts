import { CustodyError } from '#core/errors.ts';

/** A body of exactly as many bytes as were announced: what is longer is not read on. */
export async function wholeBody(
  response: Response,
  { name, size }: { readonly name: string; readonly size: number },
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(size);
  const reader = response.body!.getReader();
  let filled = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    if (filled + value.length > size) {
      await reader.cancel();
      throw otherSize(name, 'more', size);
    }
    bytes.set(value, filled);
    filled += value.length;
  }
  if (filled === size) return bytes;
  throw otherSize(name, filled, size);
}

function otherSize(name: string, found: number | 'more', size: number): CustodyError {
  return new CustodyError('format-invalid', `${name} has ${found} bytes, and ${size} were announced`, {
    hint: 'verify again: it may have changed meanwhile',
  });
}
