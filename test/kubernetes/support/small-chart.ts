import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A chart with one Deployment, whose `replicas` is a value. Its folder. */
export async function smallChart(folder: string): Promise<string> {
  await mkdir(join(folder, 'templates'), { recursive: true });
  await writeFile(join(folder, 'Chart.yaml'), 'apiVersion: v2\nname: site\nversion: 1.0.0\n');
  await writeFile(join(folder, 'values.yaml'), 'replicas: 2\n');
  const deployment = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'site' },
    spec: {
      replicas: 'REPLICAS',
      selector: { matchLabels: { app: 'site' } },
      template: {
        metadata: { labels: { app: 'site' } },
        spec: { containers: [{ name: 'main', image: 'registry.example/site:1' }] },
      },
    },
  };
  const text = JSON.stringify(deployment).replace('"REPLICAS"', '{{ .Values.replicas }}');
  await writeFile(join(folder, 'templates', 'deployment.yaml'), text);
  return folder;
}
