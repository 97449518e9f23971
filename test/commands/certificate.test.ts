import { execFileSync, spawnSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { existsSync, lstatSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { parse } from 'yaml';
import { certificate } from '../../src/commands/certificate.ts';
import { loadSettings } from '../../src/config/load-settings.ts';
import { BINANCE_HOST_NAMES } from '../../src/core/binance-hosts.ts';
import { DAY_MS } from '../../src/core/intervals.ts';
import { ACCOUNT, folderWith } from '../support/fixtures/config-folder.ts';
import { runToEnd } from '../support/processes/child.ts';

let stdout = '';
let stderr = '';
beforeEach(() => {
  stdout = '';
  stderr = '';
  vi.spyOn(console, 'log').mockImplementation((text) => {
    stdout += `${text}\n`;
  });
  vi.spyOn(console, 'error').mockImplementation((text) => {
    stderr += `${text}\n`;
  });
});
afterEach(() => {
  vi.restoreAllMocks();
});

const contentOf = (folder: string) =>
  Object.fromEntries(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'utf8')]));

/** What openssl says of a certificate as a server of that name. */
function verify(folder: string, leaf: string, name: readonly string[]): string {
  const args = ['verify', '-x509_strict', '-purpose', 'sslserver', '-CAfile', join(folder, 'authority.crt')];
  const { stdout: said, stderr: wrong } = spawnSync('openssl', [...args, ...name, leaf], {
    encoding: 'utf8',
  });
  return said + wrong;
}

/** A certificate for one subject alternative name, signed with the authority's own key by openssl. */
function leafFor(folder: string, name: string): string {
  const path = (file: string) => join(folder, file);
  writeFileSync(path('san'), `subjectAltName=${name}\nextendedKeyUsage=serverAuth\n`);
  const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: 'ignore' });
  openssl(
    'req',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-subj',
    '/O=x',
    '-keyout',
    path('k'),
    '-out',
    path('csr'),
  );
  const signing = ['-CA', path('authority.crt'), '-CAkey', path('authority.key'), '-CAcreateserial'];
  openssl(
    'x509',
    '-req',
    '-in',
    path('csr'),
    ...signing,
    '-days',
    '9',
    '-extfile',
    path('san'),
    '-out',
    path('leaf'),
  );
  return path('leaf');
}

describe('certificate new', () => {
  it('The command certificate new makes a chain that is right for every name, by openssl and by Node', async () => {
    const folder = join(folderWith(), 'new');
    expect(await certificate(['new', '--out', folder])).toBe(0);
    const leafFile = join(folder, 'by-name.crt');
    for (const name of BINANCE_HOST_NAMES)
      expect(verify(folder, leafFile, ['-verify_hostname', name])).toMatch(/: OK$/m);
    const authority = new X509Certificate(readFileSync(join(folder, 'authority.crt')));
    const leaf = new X509Certificate(readFileSync(leafFile));
    expect([authority.ca, leaf.ca, leaf.checkIssued(authority), leaf.verify(authority.publicKey)]).toEqual([
      true,
      false,
      true,
      true,
    ]);
    expect(leaf.checkHost('api.binance.com')).toBe('api.binance.com');
    expect(leaf.checkHost('www.binance.com')).toBeUndefined();
    expect(leaf.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
    for (const { validFromDate, validToDate } of [authority, leaf]) {
      expect(validFromDate.getTime()).toBeLessThanOrEqual(Date.now());
      expect(validToDate.getTime() - Date.now()).toBeLessThanOrEqual(365 * DAY_MS);
      expect(validToDate.getTime() - Date.now()).toBeGreaterThan(364 * DAY_MS);
    }
  });

  it('The authority says what it may, and every word of it is critical', async () => {
    const folder = join(folderWith(), 'new');
    await certificate(['new', '--out', folder]);
    const text = execFileSync('openssl', ['x509', '-noout', '-text', '-in', join(folder, 'authority.crt')]);
    const lines = text
      .toString()
      .split('\n')
      .map((line) => line.trim());
    const below = (heading: string) => lines[lines.indexOf(heading) + 1];
    expect(below('X509v3 Basic Constraints: critical')).toBe('CA:TRUE, pathlen:0');
    expect(below('X509v3 Key Usage: critical')).toBe('Certificate Sign');
    expect(lines).toContain('X509v3 Name Constraints: critical');
    expect(lines.filter((line) => line.startsWith('DNS:'))).toEqual(
      BINANCE_HOST_NAMES.map((name) => `DNS:${name}`),
    );
    expect(lines.filter((line) => line.startsWith('IP:'))).toHaveLength(2);
  });

  it.each([
    'DNS:example.com',
    'DNS:www.binance.com',
    'DNS:binance.com',
    'DNS:evil-api.binance.com',
    'IP:127.0.0.1',
    'IP:::1',
  ])('Nobody takes a certificate for %s from the authority, even one that it signed', async (name) => {
    const folder = join(folderWith(), 'new');
    await certificate(['new', '--out', folder, '--keep-authority-key']);
    expect(verify(folder, leafFor(folder, 'DNS:api.binance.com'), [])).toMatch(/: OK$/m);
    expect(verify(folder, leafFor(folder, name), [])).toMatch(/(?:permitted|excluded) subtree violation/);
  });

  it('The command certificate new keeps keys to their owner, and the one of the authority to nobody', async () => {
    const folder = join(folderWith(), 'new');
    await certificate(['new', '--out', folder]);
    expect(readdirSync(folder).toSorted()).toEqual(['authority.crt', 'by-name.crt', 'by-name.key']);
    expect(lstatSync(join(folder, 'by-name.key')).mode & 0o777).toBe(0o600);
    expect(`${stdout}${stderr}`).not.toMatch(/PRIVATE KEY/);
    const kept = join(folderWith(), 'kept');
    await certificate(['new', '--out', kept, '--keep-authority-key']);
    expect(lstatSync(join(kept, 'authority.key')).mode & 0o777).toBe(0o600);
    expect(stdout).toContain('authority.key can vouch for');
  });

  it.each(['by-name.key', 'by-name.crt', 'authority.crt'])(
    'Where %s stands already the command certificate new writes nothing at all',
    async (name) => {
      const folder = folderWith({ [name]: 'mine' });
      expect(await certificate(['new', '--out', folder])).toBe(1);
      expect(contentOf(folder)).toEqual({ [name]: 'mine' });
      expect(stderr).toContain(`${join(folder, name)} is there already`);
    },
  );

  it('The command certificate new does not write through a link, even one that leads nowhere', async () => {
    const folder = folderWith();
    const elsewhere = join(folderWith(), 'elsewhere');
    symlinkSync(elsewhere, join(folder, 'by-name.key'));
    expect(await certificate(['new', '--out', folder])).toBe(1);
    expect(existsSync(elsewhere)).toBe(false);
  });

  it('The command certificate new says in one sentence that a folder cannot be written', async () => {
    const folder = join(folderWith({ file: '' }), 'file');
    expect(await certificate(['new', '--out', folder])).toBe(1);
    expect(stderr).toMatch(/cannot be written to .* \(\w+\): name a folder/);
  });

  it('What certificate new prints for the proxy loads, and names the authority for the app', async () => {
    const folder = join(folderWith(), 'new');
    await certificate(['new', '--out', folder]);
    const yaml = stdout.slice(stdout.indexOf('server:'), stdout.indexOf('\n\n'));
    expect(parse(yaml)).toMatchObject({ server: { byName: { ports: [443, 9443] } } });
    const settings = loadSettings({ env: ACCOUNT, cwd: folderWith({ 'config/proxy.yaml': yaml }) });
    expect(settings.server.byName?.ports).toEqual([443, 9443]);
    for (const variable of ['NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE', 'REQUESTS_CA_BUNDLE'])
      expect(stdout).toContain(`${variable}=${join(folder, 'authority.crt')}\n`);
  });

  it('Two authorities have different names, so that none is taken for the other', async () => {
    const folders = [join(folderWith(), 'one'), join(folderWith(), 'two')];
    for (const folder of folders) await certificate(['new', '--out', folder]);
    const [one, two] = folders.map(
      (folder) => new X509Certificate(readFileSync(join(folder, 'authority.crt'))),
    );
    expect(one!.subject).not.toBe(two!.subject);
  });

  it('The library for certificates is loaded by this command and by no other', async () => {
    const script = `
      import { registerHooks } from 'node:module';
      const seen = [];
      registerHooks({ load(url, context, next) { if (url.includes('asn1')) seen.push(url); return next(url, context); } });
      await import(process.argv[1]);
      console.log(seen.length);`;
    const count = async (file: string) => {
      const path = new URL(`../../src/commands/${file}`, import.meta.url).href;
      const ended = await runToEnd(['--input-type=module', '-e', script, path], { cwd: folderWith() });
      return Number(ended.stdout);
    };
    expect(await count('certificate.ts')).toBeGreaterThan(0);
    expect(await count('serve.ts')).toBe(0);
  });
});
