import { spawn } from 'node:child_process';
import { mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { send } from '../support/clients/http.ts';
import { type Files, folderWith } from '../support/fixtures/config-folder.ts';
import { openTrail } from '../support/fixtures/sample-trail.ts';
import { addressesOf, type Child, MAIN, runToEnd, startChild } from '../support/processes/child.ts';
import { TEST_KEY, TEST_SECRET, upstreamsAt } from '../support/servers/proxy.ts';

const FIRST_KEY = 'firstKEYfirstKEYfirstKEYfirstKEYfirstKEYfirstKEYfirstKEYfirstKEY';
const SECOND_KEY = 'secondKEYsecondKEYsecondKEYsecondKEYsecondKEYsecondKEYsecondKEY1';
const THIRD_KEY = 'thirdKEYthirdKEYthirdKEYthirdKEYthirdKEYthirdKEYthirdKEYthirdKEY';

let simulator: Simulator;
beforeAll(async () => {
  simulator = await startSimulator({ accounts: [{ apiKey: TEST_KEY, hmacSecret: TEST_SECRET }] });
});
afterAll(() => simulator.close());

function dotenv(values: Readonly<Record<string, string>>): string {
  return Object.entries({
    BINANCE_API_KEY: TEST_KEY,
    BINANCE_API_SECRET: TEST_SECRET,
    BINANCE_PROXY_ENVIRONMENT: 'simulator',
    BINANCE_PROXY_PORT: '0',
    BINANCE_PROXY_OPERATOR_PORT: '0',
    ...upstreamsAt(simulator.url),
    ...values,
  })
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}

/** A proxy that serves in a folder of its own. */
async function serving(values: Readonly<Record<string, string>>, files: Files = {}) {
  const cwd = folderWith({ ...files, '.env': dotenv(values) });
  const child = startChild([MAIN, 'serve'], { cwd });
  const { url } = await addressesOf(child);
  return { cwd, child, port: Number(new URL(url).port) };
}

const reload = (cwd: string, ...args: readonly string[]) => runToEnd([MAIN, 'reload', ...args], { cwd });
const statusWith = async (port: number, key: string) =>
  (await send(port, '/api/v3/account', { headers: { 'x-mbx-apikey': key } })).status;
const AUDIT = { BINANCE_PROXY_AUDIT_DIR: 'audit', BINANCE_PROXY_CLIENT_KEY: FIRST_KEY };

describe.runIf(process.platform === 'linux')('reload', () => {
  it('The command reload finds the proxy of its folder, waits for the outcome and prints what changed', async () => {
    const { cwd, port } = await serving(AUDIT);
    // Another proxy beside it, which must be left alone.
    const other = await serving(AUDIT);
    writeFileSync(join(cwd, '.env'), dotenv({ ...AUDIT, BINANCE_PROXY_CLIENT_KEY: SECOND_KEY }));
    expect(await reload(cwd)).toMatchObject({
      code: 0,
      stdout: 'Loaded. keysReplaced: default\n',
      stderr: '',
    });
    expect([await statusWith(port, FIRST_KEY), await statusWith(port, SECOND_KEY)]).toEqual([401, 200]);
    const { code, stdout } = await reload(cwd, '--json');
    expect([code, JSON.parse(stdout)]).toEqual([0, expect.objectContaining({ event: 'config.loaded' })]);
    other.child.kill('SIGTERM');
    expect((await other.child.ended).stdout).not.toContain('config.loaded');
  });

  it('The command reload ends with 78 and what is wrong when the new configuration is refused', async () => {
    const { cwd, port } = await serving(AUDIT);
    writeFileSync(join(cwd, '.env'), dotenv({ ...AUDIT, BINANCE_PROXY_RECV_WINDOW_MS: '-1' }));
    const { code, stdout, stderr } = await reload(cwd);
    expect([code, stdout]).toEqual([78, '']);
    expect(stderr).toMatch(/^Refused, the old configuration stays:\nBINANCE_PROXY_RECV_WINDOW_MS must be/);
    expect(await statusWith(port, FIRST_KEY)).toBe(200);
  });

  it('The command reload sends its signal without an audit folder too, by the state folder or the number', async () => {
    const { cwd, child } = await serving({ BINANCE_PROXY_STATE_DIR: 'state' });
    const found = await reload(cwd);
    expect([found.code, found.stdout]).toEqual([
      0,
      expect.stringContaining(`SIGHUP was sent to process ${child.pid}.`),
    ]);
    await child.record('config.loaded');
    const before = child.recordCount;
    expect((await reload(cwd, '--pid', String(child.pid))).code).toBe(0);
    await child.record('config.loaded', before);
  });

  it('The command reload signals nobody when no proxy holds the folder, whatever number stands there', async () => {
    const cwd = folderWith({ '.env': dotenv(AUDIT) });
    openTrail(join(cwd, 'audit')).trail.close();
    expect(await reload(cwd)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`No running proxy holds ${join(cwd, 'audit')}.`),
    });
  });

  it('The command reload says when a process does not answer', async () => {
    const { cwd } = await serving(AUDIT);
    // A process that is no proxy, and does nothing on SIGHUP.
    const deaf = spawn(
      process.execPath,
      ['-e', 'process.on("SIGHUP", () => {}); process.stdin.resume(); console.log(1)'],
      {
        stdio: ['pipe', 'pipe', 'inherit'],
      },
    );
    onTestFinished(() => void deaf.kill('SIGKILL'));
    await new Promise((resolve) => deaf.stdout.once('data', resolve));
    const { code, stderr } = await reload(cwd, '--pid', String(deaf.pid), '--timeout', '1');
    expect([code, stderr]).toEqual([1, expect.stringContaining('did not say in time')]);
  });

  it.each([
    [[], 'Neither an audit folder nor a state folder is configured here'],
    [['--pid', '999999999'], 'There is no process 999999999'],
  ])('The command reload says why %j does not reach a proxy', async (args, sentence) => {
    expect(await reload(folderWith(), ...args)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(sentence),
    });
  });
});

describe('watched secret files', () => {
  const env = {
    BINANCE_PROXY_AUDIT_DIR: 'audit',
    BINANCE_PROXY_WATCH_SECRETS: '1',
    BINANCE_PROXY_CLIENT_KEY_FILE: 'mounted/key',
  };

  async function afterChange(child: Child, change: () => void, event = 'config.loaded'): Promise<void> {
    const before = child.recordCount;
    change();
    await child.record(event, before);
  }

  it('A changed secret file counts without a signal, when the start was told so', async () => {
    const { cwd, child, port } = await serving(env, { 'mounted/key': FIRST_KEY });
    await afterChange(child, () => writeFileSync(join(cwd, 'mounted/key'), `${SECOND_KEY}\n`));
    expect([await statusWith(port, FIRST_KEY), await statusWith(port, SECOND_KEY)]).toEqual([401, 200]);
    // Replaced as an editor does it: another file under the name.
    writeFileSync(join(cwd, 'mounted/new'), THIRD_KEY);
    await afterChange(child, () => renameSync(join(cwd, 'mounted/new'), join(cwd, 'mounted/key')));
    expect(await statusWith(port, THIRD_KEY)).toBe(200);
  });

  it('A folder that is swapped behind a link counts as a change, as Kubernetes swaps it', async () => {
    const cwd = folderWith({ 'mounted/..1/key': FIRST_KEY, '.env': dotenv(env) });
    const at = (name: string) => join(cwd, 'mounted', name);
    symlinkSync('..1', at('..data'));
    symlinkSync(join('..data', 'key'), at('key'));
    const child = startChild([MAIN, 'serve'], { cwd });
    const port = Number(new URL((await addressesOf(child)).url).port);
    await afterChange(child, () => {
      mkdirSync(at('..2'));
      writeFileSync(at('..2/key'), SECOND_KEY);
      symlinkSync('..2', at('..data_tmp'));
      renameSync(at('..data_tmp'), at('..data'));
    });
    expect([await statusWith(port, FIRST_KEY), await statusWith(port, SECOND_KEY)]).toEqual([401, 200]);
  });

  it('A bad secret is refused as with SIGHUP, and the file goes on being watched', async () => {
    const { cwd, child, port } = await serving(env, { 'mounted/key': FIRST_KEY });
    await afterChange(child, () => writeFileSync(join(cwd, 'mounted/key'), 'two words'), 'config.refused');
    expect(await statusWith(port, FIRST_KEY)).toBe(200);
    await afterChange(child, () => writeFileSync(join(cwd, 'mounted/key'), SECOND_KEY));
    expect(await statusWith(port, SECOND_KEY)).toBe(200);
  });

  it('A file of a client that a reload brought is watched from then on', async () => {
    const { cwd, child, port } = await serving(
      { ...env, BINANCE_PROXY_CLIENT_KEY_FILE: 'mounted/key' },
      { 'mounted/key': FIRST_KEY },
    );
    writeFileSync(join(cwd, 'mounted/other'), SECOND_KEY);
    writeFileSync(join(cwd, '.env'), dotenv({ ...env, BINANCE_PROXY_CLIENT_KEY_FILE: 'mounted/other' }));
    await afterChange(child, () => child.kill('SIGHUP'));
    await afterChange(child, () => writeFileSync(join(cwd, 'mounted/other'), THIRD_KEY));
    expect([await statusWith(port, SECOND_KEY), await statusWith(port, THIRD_KEY)]).toEqual([401, 200]);
  });

  it('Nothing is watched unless the start was told so', async () => {
    const { cwd, child, port } = await serving(
      { ...env, BINANCE_PROXY_WATCH_SECRETS: '' },
      { 'mounted/key': FIRST_KEY },
    );
    writeFileSync(join(cwd, 'mounted/key'), SECOND_KEY);
    await new Promise((resolve) => setTimeout(resolve, 4_000));
    expect(await statusWith(port, FIRST_KEY)).toBe(200);
    child.kill('SIGTERM');
    expect((await child.ended).stdout).not.toContain('config.loaded');
  });

  it('Any other value of the variable is a mistake', async () => {
    const cwd = folderWith({ '.env': dotenv({ BINANCE_PROXY_WATCH_SECRETS: 'yes' }) });
    expect(await runToEnd([MAIN, 'serve'], { cwd })).toMatchObject({
      code: 78,
      stderr: 'BINANCE_PROXY_WATCH_SECRETS must be 1, or not set.\n',
    });
  });
});
