import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** As the build makes them for the image, which is what the gateway believes. */
const BUILT = fileURLToPath(new URL('../../dist/rds-ca.pem', import.meta.url));

/** Undefined before the first build. */
export function rdsCertificates(): string | undefined {
  return existsSync(BUILT) ? readFileSync(BUILT, 'utf8') : undefined;
}
