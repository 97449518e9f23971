import { readFileSync } from 'node:fs';
import { parse as parseDotenv } from 'dotenv';
import { describe, expect, it } from 'vitest';
import { parse as parseYaml } from 'yaml';
import { loadSettings } from '../../src/config/load-settings.ts';
import { printConfigSchema } from '../../src/config/schema/print-schema.ts';
import { ConfigSchema } from '../../src/config/schema/schema.ts';
import { type SchemaNode, schemaAt } from '../../src/config/schema/schema-walk.ts';
import {
  ACCOUNT_SUFFIXES,
  CLIENT_SUFFIXES,
  CONFIG_VARIABLE,
  EGRESS_SUFFIX,
  LOOSENING_VARIABLE,
  SECRET_VARIABLES,
  VARIABLES,
  WATCH_VARIABLE,
} from '../../src/config/schema/variables.ts';
import { ACCOUNT, folderWith, messagesOf } from '../support/fixtures/config-folder.ts';

function shipped(path: string): string {
  return readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
}

/** Every place in the YAML file that takes a value, with its schema; mappings by name appear as `<name>`. */
function keysOf(schema: SchemaNode, path = ''): Map<string, SchemaNode> {
  const keys = new Map<string, SchemaNode>();
  const children = Object.entries(schema.properties ?? {});
  const [byName] = Object.values(schema.patternProperties ?? {});
  if (byName?.properties !== undefined) children.push(['<name>', byName]);
  for (const [name, child] of children) {
    for (const [key, node] of keysOf(child, path === '' ? name : `${path}.${name}`)) keys.set(key, node);
  }
  if (children.length === 0) keys.set(path, schema);
  return keys;
}

const keys = keysOf(schemaAt(ConfigSchema, [])!);
const variables = [
  CONFIG_VARIABLE,
  LOOSENING_VARIABLE,
  WATCH_VARIABLE,
  ...VARIABLES.keys(),
  ...SECRET_VARIABLES,
  ...ACCOUNT_SUFFIXES.map((suffix) => `BINANCE_${suffix}`),
];

describe('config/proxy.schema.json', () => {
  it('The shipped schema is what npm run schema writes', () => {
    expect(shipped('config/proxy.schema.json')).toBe(printConfigSchema());
  });
});

describe('config/proxy.example.yaml', () => {
  const env = {
    ...ACCOUNT,
    BINANCE_HEDGE_API_KEY: 'hedge-key',
    BINANCE_HEDGE_API_SECRET: 'hedge-secret',
    GRID_BOT_CLIENT_KEY: 'bot-key',
    GRID_BOT_CLIENT_SECRET: 'bot-secret',
    DASHBOARD_CLIENT_KEY: 'dashboard-key',
  };
  const example = shipped('config/proxy.example.yaml');

  it('The example configuration loads as it stands', () => {
    const files = { 'config/proxy.yaml': example, 'config/denylist.yaml': shipped('config/denylist.yaml') };
    const settings = loadSettings({ env, cwd: folderWith(files) });
    expect([...settings.clients.keys()]).toEqual(['grid-bot', 'dashboard', 'anonymous']);
    expect(settings.denylist).toEqual([]);
  });

  it('The example configuration loads also with its commented lines, and then shows every key', () => {
    const text = example.replaceAll(/^( *)# {1,2}?(?=[a-zA-Z]+:)/gm, '$1').replaceAll(/^# {3}/gm, '  ');
    const shown = (value: unknown, key: string): boolean => {
      const [name = '', ...rest] = key.split('.');
      if (typeof value !== 'object' || value === null) return false;
      const children = name === '<name>' ? Object.values(value) : [Reflect.get(value, name)];
      return children.some((child) =>
        rest.length === 0 ? child !== undefined : shown(child, rest.join('.')),
      );
    };
    const content: unknown = parseYaml(text.replaceAll(/^ {4}socket/gm, '  socket'));
    const missing = [...keys.keys()].filter((key) => !key.startsWith('upstreams.') && !shown(content, key));
    expect(missing).toEqual([]);
  });
});

describe('config/denylist.yaml', () => {
  it('The shipped denylist loads also with its commented lines', () => {
    const text = shipped('config/denylist.yaml')
      .replace('deny: []', '')
      .replaceAll(/^# (?=deny:| {2})/gm, '');
    const settings = loadSettings({ env: ACCOUNT, cwd: folderWith({ 'config/denylist.yaml': text }) });
    expect(settings.denylist.map(({ path }) => path)).toEqual([
      '/sapi/v1/asset/transfer',
      '/sapi/v1/convert/**',
    ]);
  });
});

describe('.env.example', () => {
  it('The example .env names known variables only, those in comments too', () => {
    const text = shipped('.env.example').replaceAll(/^# (?=[A-Z_]+=)/gm, '');
    const names = Object.keys(parseDotenv(text));
    expect(names.length).toBeGreaterThan(12);
    for (const name of names)
      expect(variables).toContain(
        name === 'BINANCE_PROXY_UPSTREAM_CA_FILE' ? name : name.replace(/_FILE$/, ''),
      );
  });

  it('The example .env loads once the account is filled in', () => {
    expect(messagesOf({ ...parseDotenv(shipped('.env.example')), ...ACCOUNT })).toEqual([]);
  });
});

describe('docs/configuration.md', () => {
  const docs = shipped('docs/configuration.md');
  const rows = docs
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) =>
      line
        .slice(1, -1)
        .split(' | ')
        .map((cell) => cell.trim()),
    );
  const named = rows.map(([first = '']) => first.replaceAll('`', ''));

  it('The configuration page has a row for each variable, and for no other', () => {
    const documented = named.filter((name) => /^BINANCE_/.test(name));
    expect(documented.toSorted()).toEqual(variables.toSorted());
    for (const suffix of [...ACCOUNT_SUFFIXES, ...CLIENT_SUFFIXES, EGRESS_SUFFIX])
      expect(docs).toContain(`<envPrefix>_${suffix}`);
  });

  it('The configuration page names the YAML key of each variable', () => {
    for (const row of rows.filter(([first = '']) => VARIABLES.has(first.replaceAll('`', '')))) {
      expect(row[1]).toBe(`\`${VARIABLES.get(row[0]!.replaceAll('`', ''))?.join('.')}\``);
    }
  });

  it('The configuration page has a row for each YAML key, and for no other', () => {
    const environments = ['live', 'testnet', 'demo', 'simulator'];
    const documented = [
      ...[...VARIABLES.values()].map((path) => path.join('.')),
      ...named.filter((name) => !/^BINANCE_/.test(name) && !environments.includes(name)),
    ];
    expect(documented.toSorted()).toEqual([...keys.keys()].toSorted());
  });

  it('The configuration page gives the default of each YAML key', () => {
    let compared = 0;
    for (const [key, { default: value }] of keys) {
      if (value === undefined || Array.isArray(value)) continue;
      const row = rows.find(([first, second]) => first === `\`${key}\`` || second === `\`${key}\``);
      expect([key, row?.at(-1)?.replace(' |', '')]).toEqual([key, `\`${value}\``]);
      compared++;
    }
    expect(compared).toBeGreaterThan(12);
  });
});
