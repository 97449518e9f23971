import { type Action, EXIT } from '../base/cli.ts';
import { planPair, writePlanned } from './change-pair.ts';
import { clientNamed, readConfiguredClients } from './configured-clients.ts';
import { issueKey } from './issue-key.ts';
import { tellChanged, tellReload } from './tell.ts';

/** `client rotate NAME`: a new pair in the place of the old one. */
export const rotate: Action<Record<never, never>> = {
  options: {},
  argument: 'a NAME',
  run: (_values, [name = '']) => replacePair(name),
};

async function replacePair(name: string): Promise<number> {
  const cwd = process.cwd();
  const configured = clientNamed(readConfiguredClients(cwd, process.env), name);
  const { variables, key, secret, publicKey } = configured;
  if (key.kind === 'none') {
    console.error(`The client ${name} has no key that could be replaced: "client new ${name}" issues one.`);
    return EXIT.problem;
  }
  const values = { key: issueKey(), ...(secret.kind === 'none' ? {} : { secret: issueKey() }) };
  const planned = planPair(cwd, configured, values);
  const written = writePlanned(cwd, planned);
  console.log(`# client ${name}: what the app uses from now on as its Binance API key and secret`);
  for (const [part, value] of Object.entries(values)) console.log(`${variables[part as 'key']}=${value}`);
  tellChanged(cwd, written);
  for (const part of planned.elsewhere) {
    const source = configured[part];
    if (source.kind === 'elsewhere')
      console.error(`${variables[part]} comes from ${source.where}: put the new value there yourself.`);
  }
  if (publicKey.kind !== 'none')
    console.error(`${variables.publicKey} stays: the app goes on signing with its own private key.`);
  tellReload('Until then the old pair counts, and the new one does not.');
  return EXIT.ok;
}
