import { render } from 'preact';
import { isJsonObject, parseJson } from '#core/json.ts';
import { loadZstd } from '../platform/zstd.ts';
import { App } from './app.tsx';
import { type BundleManifest, MANIFEST_ID } from './bundle-format.ts';
import { takeEvidence } from './evidence.ts';

async function start(): Promise<void> {
  const manifest = parseJson(document.getElementById(MANIFEST_ID)?.textContent ?? '');
  if (!isJsonObject(manifest)) throw new Error('this page holds no bundle');
  const bundle = manifest as unknown as BundleManifest;
  await loadZstd();
  const inside = bundle.evidence === 'inside' ? await takeEvidence(document, bundle) : undefined;
  const root = document.getElementById('app')!;
  root.replaceChildren();
  render(<App manifest={bundle} inside={inside} />, root);
}

start().catch((thrown: unknown) => {
  document.getElementById('app')!.textContent = `This page cannot be opened: ${String(thrown)}`;
});
