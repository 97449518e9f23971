import { Document, isCollection, isMap } from 'yaml';
import type { ClientEntry } from '../../config/schema/parts/client-schema.ts';

/** The part of config/proxy.yaml that names these clients. */
export function clientsYaml(clients: ReadonlyMap<string, ClientEntry>): string {
  const document = new Document({ clients: Object.fromEntries(clients) });
  for (const name of clients.keys()) {
    const entry = document.getIn(['clients', name]);
    if (!isMap(entry)) continue;
    // What is inside an entry stands on one line each, as in config/proxy.example.yaml.
    for (const { value } of entry.items) if (isCollection(value)) value.flow = true;
  }
  return document.toString({ lineWidth: 0 }).trimEnd();
}
