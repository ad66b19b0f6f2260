import { copyFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type * as tls from 'node:tls';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { localCertificates } from '#local/setup/certificates.ts';
import { Trust } from '#proxy/protocols/postgres/trust.ts';

/** What was parsed. */
const parsed = vi.hoisted((): (Buffer | undefined)[] => []);
vi.mock('node:tls', async (original) => {
  const real = await original<typeof tls>();
  const createSecureContext = (options: tls.SecureContextOptions): tls.SecureContext => {
    parsed.push(options.ca as Buffer | undefined);
    return real.createSecureContext(options);
  };
  return { ...real, createSecureContext };
});

const folder = mkdtempSync(join(tmpdir(), 'custody-trust-'));
const file = join(folder, 'ca-in-use.pem');
let pem: string;
beforeAll(async () => void (pem = (await localCertificates(folder, new Date())).ca));
beforeEach(() => {
  copyFileSync(pem, file);
  parsed.splice(0);
});
afterAll(() => rmSync(folder, { recursive: true }));

const named = { mode: 'verify-full', caFile: file } as const;
const rds = { mode: 'verify-full', ca: 'rds' } as const;

describe("a target's certificates", () => {
  it('are read and parsed once, however many sessions come at once or later', async () => {
    const trust = new Trust(undefined);
    const first = await Promise.all(Array.from({ length: 20 }, () => trust.contextFor(named)));
    const later = await trust.contextFor(named);
    expect(new Set([...first, later]).size).toBe(1);
    expect(parsed).toHaveLength(1);
  });

  it.each([
    ['written', (text: string) => writeFileSync(file, text)],
    [
      'replaced',
      (text: string) => {
        writeFileSync(`${file}.new`, text);
        renameSync(`${file}.new`, file);
      },
    ],
  ])('are read again when the file was %s', async (_how, change) => {
    const trust = new Trust(undefined);
    const before = await trust.contextFor(named);
    change(`# renewed\n`);
    const after = await trust.contextFor(named);
    expect(after).not.toBe(before);
    expect(String(parsed[1])).toBe('# renewed\n');
  });

  it('that cannot be read or parsed are looked for again the next time', async () => {
    const trust = new Trust(undefined);
    rmSync(file);
    await expect(trust.contextFor(named)).rejects.toMatchObject({ code: 'ENOENT' });
    copyFileSync(pem, file);
    await expect(trust.contextFor(named)).resolves.toBeDefined();
  });

  it('are those of the machine where the configuration names none, parsed once too', async () => {
    const trust = new Trust(undefined);
    const context = await trust.contextFor({ mode: 'verify-full' });
    expect(await trust.contextFor({ mode: 'verify-full' })).toBe(context);
    expect(parsed).toEqual([undefined]);
  });
});

describe('ca: rds', () => {
  it('is the bundle that the surroundings name', async () => {
    const trust = new Trust(file);
    expect(await trust.contextFor(rds)).toBe(await trust.contextFor(rds));
    expect(parsed).toHaveLength(1);
  });

  it.each([undefined, '/nowhere/rds.pem'])(
    'says that there is none, where there is none: %s',
    async (bundle) => {
      await expect(new Trust(bundle).contextFor(rds)).rejects.toMatchObject({
        code: 'config-invalid',
        message: expect.stringMatching(/^no RDS bundle here: /) as string,
      });
    },
  );
});
