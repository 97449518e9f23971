import { ConfigSchema } from './schema.ts';

/** The JSON Schema of the YAML file as text, for editors; config/proxy.schema.json holds it. */
export function printConfigSchema(): string {
  const head = { $schema: 'https://json-schema.org/draft/2020-12/schema', title: 'binance-signing-proxy' };
  return `${JSON.stringify({ ...head, ...ConfigSchema }, undefined, 2)}\n`;
}
