import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { loadCatalogue } from '../../src/config/load-catalogue.ts';

const time = {
  method: 'GET',
  path: '/api/v3/time',
  security: 'NONE',
  securityType: 'NONE',
  permission: 'market-data',
  ip: 1,
};

describe('loadCatalogue', () => {
  const folders: string[] = [];
  let folder = '';

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'catalogue-'));
    folders.push(folder);
  });
  afterAll(() => {
    for (const each of folders) rmSync(each, { recursive: true });
  });

  const write = (name: string, content: unknown): void =>
    writeFileSync(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content));
  const load = () => loadCatalogue(pathToFileURL(`${folder}/`));
  const spot = (...endpoints: readonly object[]) => ({ product: 'spot', upstream: 'spot', endpoints });

  it('The catalogue that comes with the program is read, from wherever the program is started', () => {
    const before = process.cwd();
    try {
      process.chdir(tmpdir());
      const catalogue = loadCatalogue();
      expect(catalogue.find('spot', 'POST', '/api/v3/order')?.permission).toBe('spot-margin-trade');
      expect(new Set(catalogue.endpoints.map(({ upstream }) => upstream)).size).toBe(6);
    } finally {
      process.chdir(before);
    }
  });

  it('Every JSON file of the catalogue folder is read and nothing else', () => {
    write('a.json', spot(time));
    write('b.json', spot({ ...time, path: '/api/v3/ping' }));
    write('notes.txt', 'not a catalogue');
    expect(load().endpoints.map(({ path }) => path)).toEqual(['/api/v3/ping', '/api/v3/time']);
  });

  it('An empty catalogue folder is refused', () => {
    expect(load).toThrow('The catalogue is empty');
  });

  it('A catalogue file that is no JSON is named', () => {
    write('broken.json', '{');
    expect(load).toThrow('broken.json is no JSON');
  });

  it.each([
    ['a missing permission', { ...time, permission: undefined }, '/endpoints/0'],
    ['an unknown permission', { ...time, permission: 'trade' }, '/endpoints/0/permission'],
    ['an unknown key', { ...time, comment: 'x' }, '/endpoints/0'],
    ['an unknown step', { ...time, ip: [{ when: 'symbol', w: 1 }] }, '/endpoints/0/ip'],
    ['a weight in words', { ...time, ip: 'one' }, '/endpoints/0/ip'],
    ['an unknown orderShape', { ...time, orderShape: 'window' }, '/endpoints/0/orderShape'],
  ])('A catalogue entry with %s is refused, and the message says where', (_what, entry, where) => {
    write('spot.json', spot(entry));
    expect(load).toThrow(`spot.json${where}`);
  });

  it('The problems of all catalogue files are listed at once', () => {
    write('a.json', spot({ ...time, permission: 'trade' }));
    write('b.json', { product: 'x', upstream: 'mars', endpoints: [time] });
    expect(load).toThrow(/a\.json[\s\S]*b\.json/);
  });

  it('An endpoint that stands in two catalogue files is refused', () => {
    write('a.json', spot(time));
    write('b.json', spot(time));
    expect(load).toThrow('spot GET /api/v3/time: stands twice');
  });
});
