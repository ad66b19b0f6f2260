import { describe, expect, it } from 'vitest';
import { EVENT_TABLES } from '#cdk/event-tables.ts';
import { CLASSES } from '#core/ocsf/classes.ts';
import { eventsKey, searchedKey } from '#core/recording/layout.ts';
import { gatewayTemplate } from '#test/support/stacks.ts';

const template = gatewayTemplate();
/** As CloudFormation has them: of any shape. */
// oxlint-disable-next-line typescript/no-explicit-any
const propertiesOf = (type: string): Record<string, any>[] =>
  Object.values(template.findResources(type)).map(({ Properties }) => Properties);

describe('what Athena has of events', () => {
  it('is a table each, whose partitions are told by a rule and by no crawler', () => {
    const tables = propertiesOf('AWS::Glue::Table').map(({ TableInput }) => TableInput);
    expect(tables.map(({ Name }) => Name)).toEqual(['events', 'steps']);
    for (const { Name, PartitionKeys, Parameters, StorageDescriptor } of tables) {
      expect(Parameters['projection.enabled']).toBe('true');
      for (const { Name: key } of PartitionKeys)
        expect(Parameters[`projection.${key}.type`], Name).toBeDefined();
      const { Columns } = StorageDescriptor;
      expect(new Set(Columns.map((column: { Name: string }) => column.Name)).size).toBe(Columns.length);
    }
    expect(propertiesOf('AWS::Glue::Crawler')).toEqual([]);
  });

  it('finds objects where they are put', () => {
    const [events, steps] = propertiesOf('AWS::Glue::Table').map(({ TableInput }) =>
      JSON.stringify(TableInput.Parameters['storage.location.template']),
    );
    const at = (key: string): string => key.slice(0, key.lastIndexOf('/') + 1);
    expect(events).toContain(at(eventsKey('${class}', '${day}', 'x', 0)));
    expect(steps).toContain(at(searchedKey('${day}', 'x', 0)));
  });

  it('knows every class that events have', () => {
    const [{ projection }] = EVENT_TABLES as [(typeof EVENT_TABLES)[0]];
    expect(projection['projection.class.values']!.split(',').sort()).toEqual(Object.keys(CLASSES).sort());
  });

  it('is asked in a workgroup that says where answers go, and how much a query may read', () => {
    const [group] = propertiesOf('AWS::Athena::WorkGroup');
    expect(group!['WorkGroupConfiguration']).toMatchObject({
      EnforceWorkGroupConfiguration: true,
      BytesScannedCutoffPerQuery: 20 * 2 ** 30,
      ResultConfiguration: { EncryptionConfiguration: { EncryptionOption: 'SSE_KMS' } },
    });
  });

  it('goes when the recordings do', () => {
    const [bucket] = propertiesOf('AWS::S3::Bucket').filter((one) =>
      JSON.stringify(one['LifecycleConfiguration'] ?? {}).includes('"steps/"'),
    );
    const { Rules } = bucket!['LifecycleConfiguration'];
    const days = Object.fromEntries(
      Rules.map(({ Prefix, ExpirationInDays }: { Prefix: string; ExpirationInDays: number }) => [
        Prefix,
        ExpirationInDays,
      ]),
    );
    expect(days).toMatchObject({ 'events/': 366, 'steps/': 366, 'made/': 366, 'results/': 7 });
  });
});
