import { resolve } from 'node:path';
import { type Action, EXIT } from '../base/cli.ts';
import { removeClient } from '../files/edit-yaml.ts';
import { readFileIfThere } from '../files/read-file.ts';
import { lookAt, replaceFile } from '../files/safe-file.ts';
import { planPair, writePlanned } from './change-pair.ts';
import { type ConfiguredClient, clientNamed, readConfiguredClients } from './configured-clients.ts';
import { issueKey } from './issue-key.ts';
import { tellChanged, tellReload } from './tell.ts';

/** `client revoke NAME`: its key counts no more. */
export const revoke: Action<Record<never, never>> = {
  options: {},
  argument: 'a NAME',
  run: (_values, [name = '']) => takeAway(name),
};

async function takeAway(name: string): Promise<number> {
  const cwd = process.cwd();
  const all = readConfiguredClients(cwd, process.env);
  const configured = clientNamed(all, name);
  const others = all.clients.filter((each) => each !== configured && each.key.kind !== 'none');
  if (configured.isInFile && all.file !== undefined && others.length > 0)
    return removeEntry(cwd, configured, resolve(cwd, all.file));
  return lockOut(cwd, configured);
}

/** Takes the client out of the YAML file, and its variables out of `.env`. */
function removeEntry(cwd: string, configured: ConfiguredClient, path: string): number {
  const { client, variables } = configured;
  const text = removeClient(readFileIfThere(path) ?? '', client.name);
  lookAt(cwd, path);
  const planned = planPair(cwd, configured, { key: undefined, secret: undefined, publicKey: undefined });
  replaceFile(cwd, path, text);
  tellChanged(cwd, [path, ...writePlanned(cwd, planned)]);
  for (const part of ['key', 'secret', 'publicKey'] as const) {
    const source = configured[part];
    if (source.kind === 'file') console.error(`No longer read, and yours to delete: ${source.path}`);
    if (source.kind === 'elsewhere')
      console.error(`No longer read: ${variables[part]}, from ${source.where}. Take it away there.`);
  }
  tellReload(`Until then the client ${client.name} may still call.`);
  return EXIT.ok;
}

/**
 * The last client with a key keeps its place: without any key the proxy would trust every program of this machine. It
 * gets a pair that nobody is told.
 */
function lockOut(cwd: string, configured: ConfiguredClient): number {
  const { client, variables, key, secret } = configured;
  if (key.kind === 'none') {
    console.error(`The client ${client.name} has no key: there is nothing to revoke.`);
    return EXIT.problem;
  }
  const planned = planPair(cwd, configured, {
    key: issueKey(),
    ...(secret.kind === 'none' ? {} : { secret: issueKey() }),
  });
  if (planned.elsewhere.includes('key') && key.kind === 'elsewhere') {
    console.error(
      `${variables.key} comes from ${key.where}, and ${client.name} is the only client with a key: ` +
        'put another key there yourself ("client new" issues one), and do not leave it empty, for then every program of this machine would be trusted.',
    );
    return EXIT.problem;
  }
  tellChanged(cwd, writePlanned(cwd, planned));
  console.error(
    `${client.name} is the only client with a key, so it got one that nobody knows: without any, every program of this ` +
      `machine would be trusted. "client rotate ${client.name}" issues a pair that you can use.`,
  );
  tellReload(`Until then the client ${client.name} may still call.`);
  return EXIT.ok;
}
