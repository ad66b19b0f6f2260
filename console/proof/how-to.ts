import { shellWord } from '#core/replay/shell-word.ts';

/** How evidence is checked without the page. What it names comes with the address, or from the gateway that is not trusted yet. */
export function howTo(session: string, ledger: string): string {
  const [id, folder] = [shellWord(session), shellWord(`evidence-${session}`)];
  return `# at the gateway, with what your command line pinned
custody verify ${id}

# what you saved, offline; trusted.pem is the operator's key, not the one in the archive
tar -xf ${shellWord(`evidence-${session}.tar`)}
custody verify ${folder} --key trusted.pem --origin ${shellWord(ledger)}

# by plain tools: whose key, and whether it signed opening and end
cd ${folder}
openssl pkey -pubin -in signer.pem -outform der | sha256sum
openssl dgst -sha256 -verify signer.pem -signature open.json.sig open.json
openssl dgst -sha256 -verify signer.pem -signature close.json.sig close.json

# what the end was sealed over: "last" in close.json is the SHA-256 of the last segment, "open" that of open.json
sha256sum open.json *.seg; cat close.json`;
}
