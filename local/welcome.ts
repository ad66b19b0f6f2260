import { relative } from 'node:path';
import type { LocalAddresses } from './addresses.ts';

/** What a person copies next. */
export function welcome({ dataDir, postgres, api, issuer, ca }: LocalAddresses): string {
  const folder = relative(process.cwd(), dataDir) || '.';
  const usual = issuer.endsWith(':7401') && api.endsWith(':7402');
  const where = usual ? '' : ` --issuer ${issuer} --api ${api}`;
  const data = folder === '.custody' ? '' : ` --data-dir ${folder}`;
  return `
Custody is ready. In another terminal:

  log in               npx custody login${where}
  connect              npx custody connect orders-db -- psql
  without the CLI      export PGPASSWORD=$(npx custody demo token developer${data})
                       psql "host=localhost port=${postgres.port} dbname=orders-db user=dana sslmode=verify-full sslrootcert=${relative(process.cwd(), ca)}"
  what happened        npx custody sessions
  replay one           npx custody play <id>
  take the evidence    npx custody pull <id> --out evidence
  check it, offline    npx custody verify evidence

Local mode keeps everything in ${folder}. It cannot promise what needs a cloud account: whoever owns that
folder can delete it (no Object Lock), and the signing key is a file in it (no KMS).
Stop with Ctrl-C: running sessions get a moment to finish.
`;
}
