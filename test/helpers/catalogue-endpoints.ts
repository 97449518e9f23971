import { readdirSync, readFileSync } from 'node:fs';
import { buildCatalogue, type CatalogueFile } from '../../src/core/catalogue.ts';
import type { Endpoint } from '../../src/core/endpoint.ts';

const folder = new URL('../../config/catalogue/', import.meta.url);

/** Every endpoint of the shipped catalogue. */
export function catalogueEndpoints(): readonly Endpoint[] {
  const files = readdirSync(folder).filter((name) => name.endsWith('.json'));
  return buildCatalogue(
    files.map((name) => JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as CatalogueFile),
  ).endpoints;
}

/** One endpoint of the shipped catalogue. */
export function catalogueEndpoint(method: string, path: string): Endpoint {
  const found = catalogueEndpoints().find((each) => each.method === method && each.path === path);
  if (found === undefined) throw new Error(`the catalogue has no ${method} ${path}`);
  return found;
}
